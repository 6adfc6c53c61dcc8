#include "metadata/server/daemon_thread.h"

#include <sys/epoll.h>

#include <algorithm>
#include <new>
#include <utility>

namespace mc::metadata::server {

Result<std::unique_ptr<DaemonThread>> DaemonThread::start(Daemon daemon, std::size_t most,
                                                          std::function<void()> resumed) {
    auto thread = io::LoopThread::start("http");
    if (!thread) return std::unexpected(thread.error());
    std::unique_ptr<DaemonThread> started(
        new DaemonThread(std::move(daemon), most, std::move(resumed), std::move(*thread)));
    Result<void> begun;
    started->thread_->run([&] { begun = started->begin(); });
    if (!begun) return std::unexpected(begun.error());
    return started;
}

DaemonThread::DaemonThread(Daemon daemon, std::size_t most, std::function<void()> resumed,
                           std::unique_ptr<io::LoopThread> thread)
    : daemon_(std::move(daemon)),
      epoll_(MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd),
      resumed_(std::move(resumed)),
      thread_(std::move(thread)) {
    resuming_.reserve(most);
    to_resume_.reserve(most);
}

DaemonThread::~DaemonThread() {
    thread_->run([this] {
        auto& loop = thread_->loop();
        loop.atRoundEnd({});
        loop.remove(epoll_);
        if (timer_ != 0) loop.cancel(timer_);
    });
}

Result<void> DaemonThread::begin() {
    thread_->loop().atRoundEnd([this] {
        resumeAll();
        serveIfDue();
    });
    return thread_->loop().add(epoll_, EPOLLIN, *this);
}

void DaemonThread::post(io::EventLoop::Task task) {
    thread_->loop().post([this, task = std::move(task)]() mutable {
        task();
        due_ = true;
    });
}

void DaemonThread::resume(MHD_Connection* connection) {
    {
        const std::lock_guard lock(mutex_);
        to_resume_.push_back(connection);
    }
    thread_->loop().wake();
}

void DaemonThread::resumeAll() {
    {
        const std::lock_guard lock(mutex_);
        std::swap(resuming_, to_resume_);
    }
    for (MHD_Connection* const connection : resuming_) {
        MHD_resume_connection(connection);
        due_ = true;
        resumed_();
    }
    resuming_.clear();
}

void DaemonThread::serveIfDue() {
    if (!std::exchange(due_, false)) return;
    MHD_run(daemon_.get());
    if (timer_ != 0) thread_->loop().cancel(std::exchange(timer_, 0));
    MHD_UNSIGNED_LONG_LONG left = 0;
    if (MHD_get_timeout(daemon_.get(), &left) != MHD_YES) return;
    constexpr MHD_UNSIGNED_LONG_LONG kLongest = 60'000;
    serveAfter(std::chrono::milliseconds(std::min(left, kLongest)));
}

void DaemonThread::serveAfter(std::chrono::milliseconds time) try {
    timer_ = thread_->loop().at(SteadyClock::now() + time, [this] {
        timer_ = 0;
        due_ = true;
    });
} catch (const std::bad_alloc&) {  // At once, then.
    due_ = true;
    thread_->loop().wake();
}

}  // namespace mc::metadata::server
