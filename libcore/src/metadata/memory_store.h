#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "metadata/local_store.h"
#include "metadata/watch_queue.h"

namespace mc::metadata {

/// A store inside this process. No call but Watch::next ever waits. Versions begin at the time of day in nanoseconds,
/// so that a store that is made anew does not repeat those of the one before it.
class MemoryStore : public LocalStore {
  public:
    static constexpr std::size_t kMaxPendingEvents = WatchQueue::kMaxPendingEvents;

    /// What was decided elsewhere, to be made visible: a put if it has a value, else a removal.
    struct Change {
        std::string key;
        std::shared_ptr<const std::string> value;
        std::uint64_t version = 0;
    };

    MemoryStore();
    /// A put that takes all keys and values, with what each entry costs besides, above `max_bytes` is Full.
    explicit MemoryStore(std::uint64_t max_bytes);
    MemoryStore(const MemoryStore&) = delete;
    MemoryStore& operator=(const MemoryStore&) = delete;
    /// Its watches end with Unavailable.
    ~MemoryStore() override;

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override;
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override;
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override;
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override;

    std::optional<SharedValue> find(std::string_view key) override;
    void putLater(std::string key, std::string value, Precondition precondition, Done done) override;
    void removeLater(std::string key, Precondition precondition, Done done) override;
    Result<Page> listWithin(std::string_view prefix, std::size_t limit, std::string_view continuation,
                            std::size_t max_bytes) override;
    std::string revision() const override;
    Usage usage() const override;
    CommitTimes commitTimes() const override { return {}; }
    Result<void> health() const override { return {}; }

    /// Makes changes visible as they are, in order; `revision` is the newest version that was given.
    void apply(std::span<const Change> changes, std::uint64_t revision);

    /// Whether `precondition` holds for a key whose version is `version`, or which is absent: the errors of put and
    /// remove.
    static Result<void> check(std::string_view operation, std::string_view key, const Precondition& precondition,
                              std::optional<std::uint64_t> version);

  private:
    using Values = std::map<std::string, SharedValue, std::less<>>;

    // All under the lock.
    Result<std::uint64_t> write(std::string&& key, std::shared_ptr<const std::string>& value,
                                const Precondition& precondition);
    void set(Values::iterator found, std::string&& key, std::shared_ptr<const std::string>& value,
             std::uint64_t version);
    void erase(Values::iterator entry);
    void publish(Event::Kind kind, std::string_view key, const SharedValue& value);

    const std::uint64_t max_bytes_;
    mutable std::mutex mutex_;
    Values values_;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_version_;
    std::vector<std::weak_ptr<WatchQueue>> watches_;
};

}  // namespace mc::metadata
