#include "io/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/errors.h"

namespace mc::io {
namespace {

constexpr std::uint64_t kWakerTag = 0;

std::uint64_t tagOf(int fd, std::uint32_t generation) {
    return (static_cast<std::uint64_t>(generation) << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::open() {
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return failErrno("epoll_create1", "", errno);
    FileDescriptor waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!waker) return failErrno("eventfd", "", errno);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakerTag;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, waker.get(), &event) != 0) return failErrno("epoll_ctl", "", errno);
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(waker)));
}

EventLoop::EventLoop(FileDescriptor epoll, FileDescriptor waker) : epoll_(std::move(epoll)), waker_(std::move(waker)) {}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::add(int fd, std::uint32_t events, EventHandler& handler) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tagOf(fd, next_generation_);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return failErrno("epoll_ctl", "", errno);
    handlers_[fd] = {&handler, next_generation_++};
    return {};
}

void EventLoop::modify(int fd, std::uint32_t events) {
    const auto found = handlers_.find(fd);
    if (found == handlers_.end()) return;
    epoll_event event{};
    event.events = events;
    event.data.u64 = tagOf(fd, found->second.generation);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::remove(int fd) {
    if (handlers_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::at(SteadyClock::time_point when, Task task) {
    timers_.emplace(when, std::pair{next_timer_, std::move(task)});
    return next_timer_++;
}

void EventLoop::cancel(TimerId timer) {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.second.first == timer; });
}

int EventLoop::sleepMilliseconds(Deadline deadline) const {
    if (!timers_.empty() && (!deadline || timers_.begin()->first < *deadline)) deadline = timers_.begin()->first;
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

void EventLoop::runOnce(Deadline deadline) {
    int timeout = sleepMilliseconds(deadline);
    if (timeout != 0) {
        // A waker that sees `sleeping_` writes to the eventfd; one that came before it was set is seen here.
        sleeping_.store(true);
        if (wake_requested_.load()) timeout = 0;
    }
    std::array<epoll_event, 128> events;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the kernel
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    sleeping_.store(false);
    wake_requested_.store(false);
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakerTag) {
            std::uint64_t drained = 0;
            [[maybe_unused]] const auto got = ::read(waker_.get(), &drained, sizeof(drained));
            continue;
        }
        const int fd = static_cast<int>(event.data.u64 & 0xffffffffU);
        const auto found = handlers_.find(fd);
        if (found == handlers_.end() || found->second.generation != event.data.u64 >> 32) continue;
        found->second.handler->onEvents(event.events);
    }
    runTimers();
    runPosted();
    if (round_end_) round_end_();
}

void EventLoop::runTimers() {
    if (timers_.empty()) return;
    const auto now = SteadyClock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        Task task = std::move(timers_.begin()->second.second);
        timers_.erase(timers_.begin());
        task();
    }
}

void EventLoop::wake() {
    if (wake_requested_.exchange(true) || !sleeping_.load()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(waker_.get(), &one, sizeof(one));
}

void EventLoop::post(Task task) {
    {
        const std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(task));
        has_posted_.store(true);
    }
    wake();
}

void EventLoop::runPosted() {
    if (!has_posted_.load()) return;
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(posted_mutex_);
        tasks.swap(posted_);
        has_posted_.store(false);
    }
    for (auto& task : tasks) {
        task();
    }
}

}  // namespace mc::io
