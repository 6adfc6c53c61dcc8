#include "metadata/memory_store.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <utility>

#include "base/errors.h"

namespace mc::metadata {

/// The changes that a watch has not taken yet. Shared by the store, which adds, and the watch, which takes.
class MemoryStore::WatchQueue {
  public:
    explicit WatchQueue(std::string_view prefix) : prefix_(prefix) {}

    void add(const Event& event) {
        if (!event.item.key.starts_with(prefix_)) return;
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        if (events_.size() < kMaxPendingEvents) {
            events_.push_back(event);
        } else {
            events_.clear();
            ended_ = Error{ErrorCode::Io, fmt::format("watch {}: changes came faster than they were taken", prefix_),
                           "list the keys and watch again"};
        }
        changed_.notify_one();
    }

    void close() {
        const std::lock_guard lock(mutex_);
        if (!ended_) ended_ = Error{ErrorCode::Unavailable, fmt::format("watch {}: the store is closed", prefix_), {}};
        changed_.notify_one();
    }

    void cancel() {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        changed_.notify_one();
    }

    Result<std::optional<Event>> take(Deadline deadline) {
        std::unique_lock lock(mutex_);
        const auto ready = [this] { return cancelled_ || ended_ || !events_.empty(); };
        if (!deadline) {
            changed_.wait(lock, ready);
        } else if (!changed_.wait_until(lock, *deadline, ready)) {
            return fail(ErrorCode::TimedOut, fmt::format("watch {}: no change until the deadline", prefix_));
        }
        if (cancelled_) return std::nullopt;
        if (events_.empty()) return std::unexpected(*ended_);
        Event event = std::move(events_.front());
        events_.pop_front();
        return event;
    }

  private:
    const std::string prefix_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Event> events_;
    std::optional<Error> ended_;  // What is told after the last event.
    bool cancelled_ = false;
};

class MemoryStore::QueueWatch : public Watch {
  public:
    explicit QueueWatch(std::shared_ptr<WatchQueue> queue) : queue_(std::move(queue)) {}

    Result<std::optional<Event>> next(Deadline deadline) override { return queue_->take(deadline); }
    void cancel() override { queue_->cancel(); }

  private:
    const std::shared_ptr<WatchQueue> queue_;
};

MemoryStore::~MemoryStore() {
    for (const auto& watch : watches_) {
        if (const auto queue = watch.lock()) queue->close();
    }
}

Result<VersionedValue> MemoryStore::get(std::string_view key, Deadline /*deadline*/) {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    if (found == values_.end()) return fail(ErrorCode::NotFound, fmt::format("get {}: no such key", key));
    return found->second;
}

Result<std::string> MemoryStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                     Deadline /*deadline*/) {
    if (key.empty()) return fail(ErrorCode::InvalidArgument, "put: the key is empty");
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    if (precondition.kind == Precondition::Kind::Absent && found != values_.end()) {
        return fail(ErrorCode::AlreadyExists, fmt::format("put {}: the key exists", key));
    }
    if (auto checked = checkVersion("put", key, precondition); !checked) return std::unexpected(checked.error());
    VersionedValue written{std::string(value), std::to_string(++last_version_)};
    publish({Event::Kind::Put, {std::string(key), written.value, written.version}});
    std::string version = written.version;
    values_.insert_or_assign(std::string(key), std::move(written));
    return version;
}

Result<void> MemoryStore::remove(std::string_view key, const Precondition& precondition, Deadline /*deadline*/) {
    if (precondition.kind == Precondition::Kind::Absent) {
        return fail(ErrorCode::InvalidArgument, fmt::format("remove {}: under the condition that it is absent", key));
    }
    const std::lock_guard lock(mutex_);
    if (auto checked = checkVersion("remove", key, precondition); !checked) return checked;
    const auto found = values_.find(key);
    if (found == values_.end()) return fail(ErrorCode::NotFound, fmt::format("remove {}: no such key", key));
    values_.erase(found);
    publish({Event::Kind::Remove, {std::string(key), {}, {}}});
    return {};
}

Result<void> MemoryStore::checkVersion(std::string_view operation, std::string_view key,
                                       const Precondition& precondition) const {
    if (precondition.kind != Precondition::Kind::Version) return {};
    const auto found = values_.find(key);
    if (found != values_.end() && found->second.version == precondition.version) return {};
    return fail(ErrorCode::Busy,
                fmt::format("{} {}: the key {} since version {}", operation, key,
                            found == values_.end() ? "was removed" : "was written", precondition.version),
                "read it again and retry");
}

Result<Page> MemoryStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                               Deadline /*deadline*/) {
    if (limit == 0) return fail(ErrorCode::InvalidArgument, fmt::format("list {}: a limit of 0", prefix));
    // A continuation is the last key of the page before.
    if (!continuation.empty() && !continuation.starts_with(prefix)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("list {}: the continuation {} is of another listing", prefix, continuation));
    }
    Page page;
    const std::lock_guard lock(mutex_);
    auto entry = continuation.empty() ? values_.lower_bound(prefix) : values_.upper_bound(continuation);
    for (; entry != values_.end() && entry->first.starts_with(prefix); ++entry) {
        if (page.items.size() == limit) {
            page.continuation = page.items.back().key;
            break;
        }
        page.items.push_back({entry->first, entry->second.value, entry->second.version});
    }
    return page;
}

Result<std::unique_ptr<Watch>> MemoryStore::watch(std::string_view prefix, Deadline /*deadline*/) {
    auto queue = std::make_shared<WatchQueue>(prefix);
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [](const auto& watch) { return watch.expired(); });
    watches_.push_back(queue);
    return std::make_unique<QueueWatch>(std::move(queue));
}

void MemoryStore::publish(const Event& event) {
    for (const auto& watch : watches_) {
        if (const auto queue = watch.lock()) queue->add(event);
    }
}

}  // namespace mc::metadata
