#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "metadata/store.h"

namespace mc::metadata {

/// The changes that a watch has not taken yet. Shared by the store, which adds, and the watch, which takes.
class WatchQueue {
  public:
    /// An unread watch keeps at most so many changes, and so many bytes of them or one.
    static constexpr std::size_t kMaxPendingEvents = 65536;
    static constexpr std::size_t kMaxPendingBytes = std::size_t{64} << 20;

    explicit WatchQueue(std::string_view prefix) : prefix_(prefix) {}

    bool wants(std::string_view key) const { return key.starts_with(prefix_); }
    void add(const Event& event);
    /// How many changes wait to be taken.
    std::size_t pending() const;
    /// The store is gone.
    void close();
    /// `error` is told after the last change.
    void end(Error error);
    void cancel();
    /// As Watch::next.
    Result<std::optional<Event>> take(Deadline deadline);

  private:
    const std::string prefix_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Event> events_;
    std::size_t bytes_ = 0;       // Of their keys and values.
    std::optional<Error> ended_;  // What is told after the last event.
    bool cancelled_ = false;
};

}  // namespace mc::metadata
