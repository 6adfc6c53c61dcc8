#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "io/block_sink.h"
#include "io/event_loop.h"

namespace mc::io {

/// Threads that carry out what would block an event loop. Devices take turns, and none has all of the threads; where
/// all are held up (a device that hangs), a device that waits for its turn in vain gets a thread more. Used by the
/// loop's thread.
class WorkerPool : private EventHandler {
  public:
    /// `workers` threads at most as long as none is held up.
    static Result<std::unique_ptr<WorkerPool>> open(EventLoop& loop, BlockSink& sink, int workers);
    /// When all that was submitted has ended.
    ~WorkerPool() override;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Keeps it until flush.
    void submit(BlockRequest& request) { staged_.push(request); }
    void flush();

    std::size_t threads() const { return threads_.size(); }

  private:
    // A device that has requests here, and its writes by themselves where they exclude one another. Once none waits or
    // is being carried out, it is forgotten.
    using Key = std::pair<BlockDevice*, bool>;
    struct Turn {
        BlockRequestList waiting;
        int most = 1;  // Threads at once.
        int running = 0;
        bool in_line = false;
        std::uint32_t since = 0;  // The round in which it came into the line.
    };

    WorkerPool(EventLoop& loop, BlockSink& sink, int workers, FileDescriptor waker);
    void onEvents(std::uint32_t events) override;
    int startThreads(std::size_t count);
    static Key keyOf(const BlockRequest& request);
    void work();
    void stepIn(Turn& turn);
    std::size_t call(std::size_t wanted);
    void carryOutNext(std::unique_lock<std::mutex>& lock);
    void wakeLoop() const;
    void watchForStalls();
    void relieveStalled();

    EventLoop& loop_;
    BlockSink& sink_;
    const std::size_t workers_;
    const int per_device_;
    FileDescriptor waker_;
    BlockRequestList staged_;
    std::optional<EventLoop::TimerId> watch_;

    std::mutex mutex_;
    std::condition_variable work_there_;
    // Guarded by mutex_:
    std::map<Key, Turn> turns_;
    std::deque<Turn*> line_;  // Those that a thread may serve, the longest waiting first.
    BlockRequestList ended_;
    std::size_t idle_ = 0;    // That wait, and nobody has called.
    std::size_t called_ = 0;  // That are to wake.
    std::uint32_t round_ = 0;
    bool stopping_ = false;

    std::vector<std::jthread> threads_;  // Last: they end before the rest goes.
};

}  // namespace mc::io
