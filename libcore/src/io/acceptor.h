#pragma once

#include <functional>
#include <utility>

#include "mc/error.h"

#include "base/fd.h"
#include "io/event_loop.h"

namespace mc::io {

/// Accepts what comes to a listener, some connections at a time so that those that are there have their turn. Out of
/// descriptors or memory it leaves the listener alone for a moment, and tells that once. Used in the loop's thread.
class Acceptor final : public EventHandler {
  public:
    using Serve = std::function<void(FileDescriptor)>;

    /// `listener` and `loop` outlive it; `serve` takes each connection over.
    Acceptor(EventLoop& loop, const FileDescriptor& listener, Serve serve)
        : loop_(loop), listener_(listener), serve_(std::move(serve)) {}

    Result<void> start();
    /// To be called after a start, before destruction.
    void stop();

    void onEvents(std::uint32_t events) override;

  private:
    void pause(const Error& cause);

    EventLoop& loop_;
    const FileDescriptor& listener_;
    const Serve serve_;
    bool short_of_descriptors_ = false;  // Told once, until something could be accepted again.
    EventLoop::TimerId pause_timer_ = 0;
};

}  // namespace mc::io
