#include "metadata/watch_queue.h"

#include <fmt/format.h>

#include <utility>

#include "base/errors.h"

namespace mc::metadata {
namespace {

std::size_t bytesOf(const Event& event) {
    return event.item.key.size() + event.item.value.size();
}

}  // namespace

void WatchQueue::add(const Event& event) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    const std::size_t bytes = bytesOf(event);
    if (events_.empty() || (events_.size() < kMaxPendingEvents && bytes_ + bytes <= kMaxPendingBytes)) {
        events_.push_back(event);
        bytes_ += bytes;
    } else {
        events_.clear();
        ended_ = Error{ErrorCode::Io, fmt::format("watch {}: changes came faster than they were taken", prefix_),
                       "list the keys and watch again"};
    }
    changed_.notify_one();
}

std::size_t WatchQueue::pending() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
}

void WatchQueue::close() {
    end({ErrorCode::Unavailable, fmt::format("watch {}: the store is closed", prefix_), {}});
}

void WatchQueue::end(Error error) {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = std::move(error);
    changed_.notify_one();
}

void WatchQueue::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_one();
}

Result<std::optional<Event>> WatchQueue::take(Deadline deadline) {
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
    bytes_ -= bytesOf(event);
    return event;
}

}  // namespace mc::metadata
