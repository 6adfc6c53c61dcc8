#include "control/control_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "control/json_rpc.h"

namespace mc::control {
namespace {

constexpr std::size_t kReadSize = 1 << 14;

bool mayRetry(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

ControlConnection::ControlConnection(std::uint64_t number, FileDescriptor socket, io::EventLoop& loop,
                                     const ControlServerOptions& options, Owner& owner)
    : number_(number), socket_(std::move(socket)), loop_(loop), options_(options), owner_(owner) {}

ControlConnection::~ControlConnection() {
    if (timer_) loop_.cancel(*timer_);
    if (state_ != State::Working) loop_.remove(socket_.get());
}

Result<void> ControlConnection::start() {
    if (auto added = loop_.add(socket_.get(), EPOLLIN, *this); !added) return added;
    state_ = State::Reading;
    armTimer();
    return {};
}

void ControlConnection::onEvents(std::uint32_t /*events*/) {
    if (!advance()) owner_.drop(number_);
}

void ControlConnection::deliver(const std::optional<std::string>& reply) {
    if (reply) reply_ = *reply + "\n";
    replied_ = 0;
    const bool alive = reply ? watch(State::Replying) : nextMessage();
    if (!alive) owner_.drop(number_);
}

bool ControlConnection::advance() {
    switch (state_) {
        case State::Reading:
            return read();
        case State::Working:
            return true;
        case State::Replying:
            return reply();
    }
    return false;
}

bool ControlConnection::read() {
    std::array<char, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return mayRetry(errno);
    progress_ = SteadyClock::now();
    input_ended_ = got == 0;
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return nextMessage();
}

// Hands the first message over that is there whole, else reads on. The last one needs no newline.
bool ControlConnection::nextMessage() {
    for (;;) {
        auto end = received_.find('\n', scanned_);
        const bool whole = end != std::string::npos;
        if (!whole) end = received_.size();
        if (end > options_.max_message_length) {
            last_reply_ = true;
            reply_ = tooLongReply(options_.max_message_length) + "\n";
            return watch(State::Replying);
        }
        if (!whole && !input_ended_) {
            scanned_ = end;
            return watch(State::Reading);
        }
        std::string message = received_.substr(0, end);
        received_.erase(0, whole ? end + 1 : end);
        scanned_ = 0;
        if (message.find_first_not_of(" \t\r") != std::string::npos) {
            if (!watch(State::Working)) return false;
            owner_.answer(number_, std::move(message));
            return true;
        }
        if (!whole) return false;  // All was read, and all of it answered.
    }
}

bool ControlConnection::reply() {
    const auto put = ::send(socket_.get(), reply_.data() + replied_, reply_.size() - replied_, MSG_NOSIGNAL);
    if (put < 0) return mayRetry(errno);
    progress_ = SteadyClock::now();
    replied_ += static_cast<std::size_t>(put);
    if (replied_ < reply_.size()) return true;
    reply_ = {};
    return !last_reply_ && nextMessage();
}

// A peer that hangs up can't be ignored by epoll: while nothing is to be read or written, it doesn't watch at all.
bool ControlConnection::watch(State state) {
    const State before = std::exchange(state_, state);
    if (state == before) return true;
    progress_ = SteadyClock::now();
    if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
    if (state == State::Working) {
        loop_.remove(socket_.get());
        return true;
    }
    const std::uint32_t events = state == State::Replying ? EPOLLOUT : EPOLLIN;
    if (before != State::Working) {
        loop_.modify(socket_.get(), events);
    } else if (!loop_.add(socket_.get(), events, *this)) {
        state_ = State::Working;
        return false;
    }
    armTimer();
    return true;
}

void ControlConnection::armTimer() {
    // Not armed anew for each byte: a timer that comes early only looks again.
    timer_ = loop_.at(progress_ + options_.idle_timeout, [this] {
        timer_.reset();
        if (SteadyClock::now() < progress_ + options_.idle_timeout) {
            armTimer();
        } else {
            owner_.drop(number_);
        }
    });
}

}  // namespace mc::control
