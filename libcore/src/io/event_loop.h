#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "base/futex.h"

namespace mc::io {

/// Told what epoll saw on a descriptor (EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR).
class EventHandler {
  public:
    EventHandler() = default;
    EventHandler(const EventHandler&) = delete;
    EventHandler& operator=(const EventHandler&) = delete;
    virtual ~EventHandler() = default;
    virtual void onEvents(std::uint32_t events) = 0;
};

/// Level-triggered epoll with timers. One thread at a time runs it and calls its members; wake and post may be called
/// from any thread. Descriptors and handlers stay the caller's: remove one before it is closed or destroyed, which a
/// handler may do to itself or to others while it is being called.
class EventLoop {
  public:
    using Task = std::move_only_function<void()>;
    using TimerId = std::uint64_t;

    static Result<std::unique_ptr<EventLoop>> open();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    Result<void> add(int fd, std::uint32_t events, EventHandler& handler);
    void modify(int fd, std::uint32_t events);
    void remove(int fd);

    /// Runs `task` once, at `when` or soon after.
    TimerId at(SteadyClock::time_point when, Task task);
    void cancel(TimerId timer);

    /// Waits for events, timers and posted tasks until `deadline` and handles what came, once. A deadline in the past
    /// only looks.
    void runOnce(Deadline deadline = std::nullopt);

    /// Makes the running runOnce, or the next one, return without sleeping. Costs a system call only if it sleeps.
    void wake();
    /// Runs `task` in the loop's thread.
    void post(Task task);

    /// Runs `task` at the end of each runOnce, after all handlers, timers and posted tasks: where what they have
    /// gathered is sent or submitted together. An empty one ends that.
    void atRoundEnd(Task task) { round_end_ = std::move(task); }

  private:
    EventLoop(FileDescriptor epoll, FileDescriptor waker);
    void runPosted();
    void runTimers();
    int sleepMilliseconds(Deadline deadline) const;

    struct Registration {
        EventHandler* handler;
        std::uint32_t generation;  // Tells a stale event from one for a descriptor number used again.
    };

    FileDescriptor epoll_;
    FileDescriptor waker_;
    std::unordered_map<int, Registration> handlers_;
    std::uint32_t next_generation_ = 1;
    std::multimap<SteadyClock::time_point, std::pair<TimerId, Task>> timers_;
    TimerId next_timer_ = 1;
    std::atomic<bool> sleeping_ = false;
    std::atomic<bool> wake_requested_ = false;
    std::atomic<bool> has_posted_ = false;
    std::mutex posted_mutex_;
    std::vector<Task> posted_;
    Task round_end_;
};

}  // namespace mc::io
