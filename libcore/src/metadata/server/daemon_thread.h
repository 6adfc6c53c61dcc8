#pragma once

#include <microhttpd.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "io/loop_thread.h"

namespace mc::metadata::server {

struct DaemonCloser {
    void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
using Daemon = std::unique_ptr<MHD_Daemon, DaemonCloser>;

/// Runs libmicrohttpd's daemon, which has no thread and no listener of its own, in a loop of ours. A thread of
/// libmicrohttpd's (0.9.75) does not look at what is ready for up to the idle time-out when epoll tells it of exactly
/// 128 connections, or a multiple of that.
class DaemonThread : public io::EventHandler {
  public:
    /// Of a daemon with `most` connections at once. `resumed` is called in the thread, for each that was resumed.
    static Result<std::unique_ptr<DaemonThread>> start(Daemon daemon, std::size_t most, std::function<void()> resumed);
    ~DaemonThread() override;
    DaemonThread(const DaemonThread&) = delete;
    DaemonThread& operator=(const DaemonThread&) = delete;

    MHD_Daemon* daemon() const { return daemon_.get(); }
    /// Runs `task` in the thread, from any thread: there all functions for this daemon and its connections are called.
    void post(io::EventLoop::Task task);
    /// Has a suspended connection go on, from any thread. Needs no memory.
    void resume(MHD_Connection* connection);

  private:
    DaemonThread(Daemon daemon, std::size_t most, std::function<void()> resumed,
                 std::unique_ptr<io::LoopThread> thread);

    Result<void> begin();
    void onEvents(std::uint32_t /*events*/) override { due_ = true; }
    void resumeAll();
    void serveIfDue();
    void serveAfter(std::chrono::milliseconds time);

    Daemon daemon_;
    const int epoll_;
    const std::function<void()> resumed_;
    bool due_ = false;  // Something may have happened to the daemon.
    io::EventLoop::TimerId timer_ = 0;
    std::vector<MHD_Connection*> resuming_;  // Room for all connections, as below.
    std::mutex mutex_;
    std::vector<MHD_Connection*> to_resume_;  // Guarded by mutex_.
    std::unique_ptr<io::LoopThread> thread_;
};

}  // namespace mc::metadata::server
