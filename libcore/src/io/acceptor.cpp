#include "io/acceptor.h"

#include <sys/epoll.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "io/socket.h"

namespace mc::io {
namespace {

constexpr int kAcceptsPerEvent = 64;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Result<void> Acceptor::start() {
    return loop_.add(listener_.get(), EPOLLIN, *this);
}

void Acceptor::stop() {
    if (pause_timer_ != 0) loop_.cancel(std::exchange(pause_timer_, 0));
    loop_.remove(listener_.get());
}

void Acceptor::onEvents(std::uint32_t /*events*/) {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
        auto socket = acceptFrom(listener_);
        if (!socket) return pause(socket.error());
        if (!*socket) return;
        short_of_descriptors_ = false;
        serve_(std::move(*socket));
    }
}

// Instead of spinning on the connections that wait.
void Acceptor::pause(const Error& cause) {
    if (!std::exchange(short_of_descriptors_, true)) {
        log::warning("{}: {}", localAddress(listener_).toString(), cause.message);
        if (!cause.hint.empty()) log::warning("hint: {}", cause.hint);
    }
    loop_.modify(listener_.get(), 0);
    pause_timer_ = loop_.at(SteadyClock::now() + kPause, [this] {
        pause_timer_ = 0;
        loop_.modify(listener_.get(), EPOLLIN);
    });
}

}  // namespace mc::io
