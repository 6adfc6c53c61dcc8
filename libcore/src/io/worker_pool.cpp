#include "io/worker_pool.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/errors.h"
#include "base/thread.h"
#include "io/block_device.h"

namespace mc::io {
namespace {

// A device that has waited so long, with no thread at work for it, is stalled by others.
constexpr std::chrono::milliseconds kPatience{50};
// However many devices hang.
constexpr std::size_t kMostThreads = 512;

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::open(EventLoop& loop, BlockSink& sink, int workers) {
    FileDescriptor waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!waker) return failErrno("eventfd", "", errno);
    std::unique_ptr<WorkerPool> pool(new WorkerPool(loop, sink, std::max(1, workers), std::move(waker)));
    if (auto added = loop.add(pool->waker_.get(), EPOLLIN, *pool); !added) return std::unexpected(added.error());
    // Others follow when they are needed.
    if (const int error = pool->startThreads(1); error != 0) return failErrno("start thread", "block worker", error);
    return pool;
}

WorkerPool::WorkerPool(EventLoop& loop, BlockSink& sink, int workers, FileDescriptor waker)
    : loop_(loop),
      sink_(sink),
      workers_(static_cast<std::size_t>(workers)),
      per_device_(workers - workers / 4),
      waker_(std::move(waker)) {}

WorkerPool::~WorkerPool() {
    loop_.remove(waker_.get());
    if (watch_) loop_.cancel(*watch_);
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_there_.notify_all();
}

int WorkerPool::startThreads(std::size_t count) {
    try {
        for (; count > 0; --count) {
            threads_.emplace_back([this] {
                nameThisThread("mc-block");
                work();
            });
        }
    } catch (const std::system_error& error) {
        return error.code().value();  // Those that there are do it.
    }
    return 0;
}

void WorkerPool::flush() {
    if (staged_.empty()) return;
    std::size_t wanted = 0;  // Threads that have something to do.
    std::size_t called = 0;
    {
        const std::lock_guard lock(mutex_);
        while (BlockRequest* const request = staged_.pop()) {
            const Key key = keyOf(*request);
            Turn& turn = turns_[key];
            turn.most = key.second ? 1 : per_device_;
            if (turn.most > 1 || (turn.running == 0 && !turn.in_line)) ++wanted;
            turn.waiting.push(*request);
            stepIn(turn);
        }
        called = call(wanted);
    }
    for (std::size_t i = 0; i < called; ++i)
        work_there_.notify_one();
    startThreads(std::min(wanted - called, workers_ - std::min(workers_, threads_.size())));
    watchForStalls();
}

WorkerPool::Key WorkerPool::keyOf(const BlockRequest& request) {
    const bool writes = request.kind == BlockRequest::Kind::Write;
    return {request.device, writes && request.device->writesExclude()};
}

// Into the line, if there is something to do for it that it may have done now.
void WorkerPool::stepIn(Turn& turn) {
    if (turn.in_line || turn.waiting.empty() || turn.running >= turn.most) return;
    turn.in_line = true;
    turn.since = round_;
    line_.push_back(&turn);
}

// How many of the idle threads, `wanted` at most, are to wake; the caller notifies them.
std::size_t WorkerPool::call(std::size_t wanted) {
    const std::size_t called = std::min(wanted, idle_);
    idle_ -= called;
    called_ += called;
    return called;
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (line_.empty()) {
            ++idle_;
            work_there_.wait(lock, [this] { return stopping_ || called_ > 0; });
            if (called_ > 0) --called_;
        } else {
            carryOutNext(lock);
        }
    }
}

void WorkerPool::carryOutNext(std::unique_lock<std::mutex>& lock) {
    Turn& turn = *line_.front();
    line_.pop_front();
    turn.in_line = false;
    ++turn.running;
    BlockRequest& request = *turn.waiting.pop();
    BlockDevice& device = *request.device;
    stepIn(turn);
    const bool help = !line_.empty() && call(1) > 0;
    lock.unlock();
    if (help) work_there_.notify_one();
    const int error = device.carryOut(request);
    lock.lock();
    --turn.running;
    stepIn(turn);
    if (turn.running == 0 && turn.waiting.empty()) turns_.erase(keyOf(request));
    const bool first = ended_.empty();  // The loop has been woken for the others.
    request.error = error;
    ended_.push(request);
    if (!first) return;
    lock.unlock();
    wakeLoop();
    lock.lock();
}

void WorkerPool::wakeLoop() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(waker_.get(), &one, sizeof(one));
}

void WorkerPool::onEvents(std::uint32_t /*events*/) {
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto got = ::read(waker_.get(), &drained, sizeof(drained));
    BlockRequestList ended;
    {
        const std::lock_guard lock(mutex_);
        std::swap(ended, ended_);
    }
    while (BlockRequest* const request = ended.pop()) {
        sink_.ended(*request, request->error);
    }
    sink_.batchEnded();
}

void WorkerPool::watchForStalls() {
    if (watch_) return;
    watch_ = loop_.at(SteadyClock::now() + kPatience, [this] {
        watch_.reset();
        relieveStalled();
    });
}

void WorkerPool::relieveStalled() {
    std::size_t stalled = 0;
    bool waiting = false;
    {
        const std::lock_guard lock(mutex_);
        waiting = !line_.empty();
        if (idle_ == 0) {
            stalled = static_cast<std::size_t>(std::ranges::count_if(
                line_, [this](const Turn* turn) { return turn->running == 0 && turn->since != round_; }));
        }
        ++round_;
    }
    startThreads(std::min(stalled, kMostThreads - std::min(kMostThreads, threads_.size())));
    if (waiting) watchForStalls();
}

}  // namespace mc::io
