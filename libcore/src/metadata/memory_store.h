#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "metadata/store.h"

namespace mc::metadata {

/// A store inside this process, for engines that share it and for tests. No call but Watch::next ever waits. An
/// unread watch keeps at most kMaxPendingEvents changes.
class MemoryStore : public Store {
  public:
    static constexpr std::size_t kMaxPendingEvents = 65536;

    MemoryStore() = default;
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

  private:
    class WatchQueue;
    class QueueWatch;

    // Both under the lock.
    Result<void> checkVersion(std::string_view operation, std::string_view key, const Precondition& precondition) const;
    void publish(const Event& event);

    std::mutex mutex_;
    std::map<std::string, VersionedValue, std::less<>> values_;
    std::uint64_t last_version_ = 0;
    std::vector<std::weak_ptr<WatchQueue>> watches_;
};

}  // namespace mc::metadata
