#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "io/event_loop.h"

namespace mc::io {

/// An event loop and the thread that runs it until destruction. Everything added to the loop must be removed, through
/// `run`, before that.
class LoopThread {
  public:
    static Result<std::unique_ptr<LoopThread>> start(const std::string& name);
    ~LoopThread();
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    EventLoop& loop() { return *loop_; }
    /// Runs `task` in the loop's thread and waits for its end. Not to be called from that thread.
    void run(EventLoop::Task task);

  private:
    LoopThread(std::unique_ptr<EventLoop> loop, const std::string& name);

    std::unique_ptr<EventLoop> loop_;
    std::jthread thread_;  // Last: it ends before the loop goes.
};

}  // namespace mc::io
