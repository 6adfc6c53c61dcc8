#include "metadata/server/daemon_thread.h"

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mc::metadata::server {

Result<std::unique_ptr<DaemonThread>> DaemonThread::start(Daemon daemon) {
    auto thread = io::LoopThread::start("http");
    if (!thread) return std::unexpected(thread.error());
    std::unique_ptr<DaemonThread> started(new DaemonThread(std::move(daemon), std::move(*thread)));
    Result<void> begun;
    started->thread_->run([&] { begun = started->begin(); });
    if (!begun) return std::unexpected(begun.error());
    return started;
}

DaemonThread::DaemonThread(Daemon daemon, std::unique_ptr<io::LoopThread> thread)
    : daemon_(std::move(daemon)),
      epoll_(MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd),
      thread_(std::move(thread)) {}

DaemonThread::~DaemonThread() {
    thread_->run([this] {
        auto& loop = thread_->loop();
        loop.atRoundEnd({});
        loop.remove(epoll_);
        if (timer_ != 0) loop.cancel(timer_);
    });
}

Result<void> DaemonThread::begin() {
    thread_->loop().atRoundEnd([this] { serveIfDue(); });
    return thread_->loop().add(epoll_, EPOLLIN, *this);
}

void DaemonThread::post(io::EventLoop::Task task) {
    thread_->loop().post([this, task = std::move(task)]() mutable {
        task();
        due_ = true;
    });
}

void DaemonThread::serveIfDue() {
    if (!std::exchange(due_, false)) return;
    MHD_run(daemon_.get());
    auto& loop = thread_->loop();
    if (timer_ != 0) loop.cancel(std::exchange(timer_, 0));
    MHD_UNSIGNED_LONG_LONG left = 0;
    if (MHD_get_timeout(daemon_.get(), &left) != MHD_YES) return;
    constexpr MHD_UNSIGNED_LONG_LONG kLongest = 60'000;
    timer_ = loop.at(SteadyClock::now() + std::chrono::milliseconds(std::min(left, kLongest)), [this] {
        timer_ = 0;
        due_ = true;
    });
}

}  // namespace mc::metadata::server
