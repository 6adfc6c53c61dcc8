#include "metadata/handshake_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>

#include "base/log.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kReadSize = 1 << 16;

bool mayRetry(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

HandshakeConnection::HandshakeConnection(FileDescriptor socket, io::EventLoop& loop,
                                         const HandshakeDaemonOptions& options, Owner& owner)
    : socket_(std::move(socket)), loop_(loop), options_(options), owner_(owner), decoder_(options.max_message_length) {}

HandshakeConnection::~HandshakeConnection() {
    if (timer_) loop_.cancel(*timer_);
    loop_.remove(socket_.get());
}

Result<void> HandshakeConnection::start() {
    if (auto added = loop_.add(socket_.get(), EPOLLIN, *this); !added) return added;
    armTimer();
    return {};
}

void HandshakeConnection::onEvents(std::uint32_t /*events*/) {
    bool alive = false;
    try {
        alive = advance();
    } catch (const std::exception& error) {  // No memory, or a handler that throws: this client's loss only.
        log::warning("handshake: {}", error.what());
    }
    if (!alive) owner_.drop(*this);
}

bool HandshakeConnection::advance() {
    switch (state_) {
        case State::Reading:
            return read();
        case State::Replying:
            return reply();
        case State::Lingering:
            return linger();
    }
    return false;
}

bool HandshakeConnection::read() {
    std::array<char, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return got < 0 && mayRetry(errno);
    progress_ = SteadyClock::now();
    if (const auto taken = decoder_.feed({buffer.data(), static_cast<std::size_t>(got)}); !taken) {
        log::debug("handshake: {}", taken.error().message);
        return false;
    }
    if (!decoder_.complete()) return true;
    const auto answer = owner_.answer(decoder_.take());
    if (!answer) return false;
    reply_ = encodeFrame(*answer);
    enter(State::Replying);
    return reply();
}

bool HandshakeConnection::reply() {
    const auto put = ::send(socket_.get(), reply_.data() + replied_, reply_.size() - replied_, MSG_NOSIGNAL);
    if (put < 0) return mayRetry(errno);
    progress_ = SteadyClock::now();
    replied_ += static_cast<std::size_t>(put);
    if (replied_ < reply_.size()) return true;
    reply_ = {};
    // Not closed at once: that would reset the connection, and lose the reply, if the client had sent more.
    ::shutdown(socket_.get(), SHUT_WR);
    enter(State::Lingering);
    return true;
}

bool HandshakeConnection::linger() {
    std::array<char, kReadSize> dropped;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto got = ::recv(socket_.get(), dropped.data(), dropped.size(), 0);
    return got > 0 || (got < 0 && mayRetry(errno));
}

void HandshakeConnection::enter(State state) {
    state_ = state;
    loop_.modify(socket_.get(), state == State::Replying ? EPOLLOUT : EPOLLIN);
    progress_ = SteadyClock::now();
    if (timer_) loop_.cancel(*timer_);
    armTimer();
}

SteadyClock::time_point HandshakeConnection::deadline() const {
    if (state_ == State::Lingering) return progress_ + options_.linger_timeout;
    return std::min(progress_ + options_.idle_timeout, started_ + options_.total_timeout);
}

void HandshakeConnection::armTimer() {
    // Not armed anew for each byte: a timer that comes early only looks again.
    timer_ = loop_.at(deadline(), [this] {
        timer_.reset();
        if (SteadyClock::now() < deadline()) {
            armTimer();
        } else {
            owner_.drop(*this);
        }
    });
}

}  // namespace mc::metadata
