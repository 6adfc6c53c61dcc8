#include "mount/cache_forgetter.h"

#include <utility>

#include "base/thread.h"

namespace mc::mount {

CacheForgetter::CacheForgetter(Forget forget)
    : forget_(std::move(forget)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

void CacheForgetter::finish() {
    {
        const std::lock_guard lock(mutex_);
        finished_ = true;
    }
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void CacheForgetter::add(const Range& range, Then then) {
    std::unique_lock lock(mutex_);
    if (finished_) {
        lock.unlock();
        then();
        return;
    }
    tasks_.push_back({.range = range, .then = std::move(then)});
    changed_.notify_one();
}

void CacheForgetter::work(const std::stop_token& stop) {
    nameThisThread("mc-mount-forget");
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !tasks_.empty(); })) {
        const Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        forget_(task.range);
        task.then();
        lock.lock();
    }
}

}  // namespace mc::mount
