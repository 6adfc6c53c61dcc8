#pragma once

#include <functional>
#include <string_view>

#include "mc/error.h"

#include "io/event_loop.h"

namespace mc {

/// When a lane that has lost its connection tries again: after an answer at once, then later and later. Used by the
/// thread that drives the loop.
class Backoff {
  public:
    /// `protocol`: for messages.
    Backoff(io::EventLoop& loop, std::string_view protocol) : loop_(loop), protocol_(protocol) {}
    ~Backoff();
    Backoff(const Backoff&) = delete;
    Backoff& operator=(const Backoff&) = delete;

    /// The peer has answered.
    void reset() { failures_ = 0; }
    /// A connection was lost or could not be made, which is told if it is the first since an answer. `retry` is called
    /// when it is time, unless there is another loss before.
    void failed(const Error& error, std::function<void()> retry);
    bool waits() const { return SteadyClock::now() < not_before_; }
    /// What is tried next is something else.
    void skip() { not_before_ = {}; }

  private:
    io::EventLoop& loop_;
    const std::string_view protocol_;
    unsigned failures_ = 0;
    SteadyClock::time_point not_before_{};
    io::EventLoop::TimerId timer_ = 0;
};

}  // namespace mc
