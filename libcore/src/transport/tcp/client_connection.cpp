#include "transport/tcp/client_connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/errors.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::tcp {
namespace {

constexpr std::size_t kMostParts = 512;
constexpr std::size_t kPartsPerSlice = 3;
// More than a socket takes or gives at once; naming further parts would be wasted work.
constexpr std::uint64_t kMostBytes = 4 << 20;

// Where a slice's scratch area holds what.
constexpr std::size_t kHeaderAt = 0;
constexpr std::size_t kFenceAt = sizeof(RequestHeader);
constexpr std::size_t kAnswerAt = 2 * sizeof(RequestHeader);
static_assert(kAnswerAt + sizeof(StatusFrame) <= sizeof(Slice::scratch));

void writeHeader(Slice& slice, std::size_t at, const RequestHeader& header) {
    std::memcpy(slice.scratch.data() + at, &header, sizeof(header));
}

bool wouldBlock(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Takes `skip` bytes off the front of `parts`; returns how many parts are left, moved to the front.
std::size_t skipBytes(std::span<iovec> parts, std::uint64_t skip) {
    std::size_t kept = 0;
    for (const iovec& part : parts) {
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        parts[kept++] = {static_cast<std::byte*>(part.iov_base) + skip, part.iov_len - skip};
        skip = 0;
    }
    return kept;
}

}  // namespace

Result<std::unique_ptr<ClientConnection>> ClientConnection::start(io::EventLoop& loop, Owner& owner,
                                                                  const Setup& setup) {
    auto socket = io::startConnect(setup.address, setup.options.congestion);
    if (!socket) return std::unexpected(socket.error());
    std::unique_ptr<ClientConnection> connection(new ClientConnection(loop, owner, setup, std::move(*socket)));
    connection->interest_ = EPOLLOUT;
    const auto added = loop.add(connection->socket_.get(), connection->interest_, *connection);
    if (!added) return std::unexpected(added.error());
    return connection;
}

ClientConnection::ClientConnection(io::EventLoop& loop, Owner& owner, const Setup& setup, FileDescriptor socket)
    : loop_(loop),
      owner_(owner),
      options_(setup.options),
      socket_(std::move(socket)),
      name_(setup.address.toString()),
      single_(setup.trust != nullptr),
      last_progress_(SteadyClock::now()) {
    trust_.version = setup.version;
    if (single_) trust_ = *setup.trust;
    probe_ = {.size = 8, .addr = setup.probe_address};
}

ClientConnection::~ClientConnection() {
    if (socket_) loop_.remove(socket_.get());
}

Error ClientConnection::failure(std::string_view what, int number) const {
    return systemError(what, name_, number);
}

void ClientConnection::onEvents(std::uint32_t events) {
    switch (state_) {
        case State::Connecting:
            onConnected();
            break;
        case State::ProbingFirst:
        case State::ProbingSecond:
            receiveProbe();
            break;
        case State::Ready:
            if ((events & EPOLLOUT) != 0 && !send()) return;
            if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && !receive()) return;
            if (in_flight_.empty()) owner_.onReady(*this);
            updateInterest();
            break;
        case State::Closed:
            break;
    }
}

void ClientConnection::onConnected() {
    if (const int error = io::connectError(socket_); error != 0) {
        close(failure("connect to", error));
        return;
    }
    connected_ = true;
    last_progress_ = SteadyClock::now();
    if (single_) {
        state_ = State::Ready;
        owner_.onReady(*this);
    } else {
        state_ = State::ProbingFirst;
        sendProbe();
    }
    updateInterest();
}

void ClientConnection::sendProbe() {
    probe_.opcode = trust_.version == 2 ? kVersion2Bit : 0;  // A read.
    probe_received_ = 0;
    // A fresh socket takes 24 bytes at once; if not, the answer stays away and the deadline tells.
    if (::send(socket_.get(), &probe_, sizeof(probe_), MSG_NOSIGNAL) < 0 && !wouldBlock(errno)) {
        trust_.proven = state_ == State::ProbingSecond;
        close(failure("send to", errno));
    }
}

void ClientConnection::receiveProbe() {
    const std::size_t wanted = trust_.version == 2 ? probe_answer_.size() : probe_.size;
    const ssize_t got = ::recv(socket_.get(), probe_answer_.data() + probe_received_, wanted - probe_received_, 0);
    if (got < 0 && wouldBlock(errno)) return;
    if (got <= 0) {
        // In the middle of what looked like a status frame: eight bytes of memory that happened to look like one.
        downgraded_ = trust_.version == 2 && probe_received_ == sizeof(StatusFrame);
        trust_.proven = state_ == State::ProbingSecond;
        close(got < 0 ? failure("receive from", errno)
                      : Error{ErrorCode::Unavailable, fmt::format("{} closed the connection", name_), {}});
        return;
    }
    probe_received_ += static_cast<std::size_t>(got);
    judgeProbe();
}

void ClientConnection::judgeProbe() {
    if (probe_received_ < sizeof(StatusFrame)) return;
    if (trust_.version == 2) {
        StatusFrame status = 0;
        std::memcpy(&status, probe_answer_.data(), sizeof(status));
        if (status == kStatusRejected) {
            probe_refused_ = true;
            close(Error{ErrorCode::Protocol,
                        fmt::format("{} refuses access to memory that it published at {:#x}", name_, probe_.addr),
                        "its descriptor may be stale: has the owner restarted?"});
            return;
        }
        if (status == kStatusOk && probe_received_ < probe_answer_.size()) return;
        // Eight bytes of data and no frame before them: a peer that takes every opcode for a read.
        if (status != kStatusOk) trust_.version = 1;
    }
    last_progress_ = SteadyClock::now();
    if (state_ == State::ProbingFirst) {
        state_ = State::ProbingSecond;
        sendProbe();
        return;
    }
    trust_.proven = true;
    trust_.keeps = true;
    state_ = State::Ready;
    owner_.onReady(*this);
    updateInterest();
}

// A write in version 1 is followed by a read of its last byte: servers work in order, so its answer says that the
// write was applied.
bool ClientConnection::fenced(const Slice& slice) const {
    return slice.opcode == Opcode::Write && trust_.version == 1 && trust_.keeps;
}

void ClientConnection::enqueue(Slice& slice) {
    const auto opcode = static_cast<std::uint8_t>(slice.opcode);
    const std::uint8_t version_bit = trust_.version == 2 ? kVersion2Bit : 0;
    writeHeader(
        slice, kHeaderAt,
        {.size = slice.length, .addr = slice.remote, .opcode = static_cast<std::uint8_t>(opcode | version_bit)});
    if (fenced(slice)) {
        writeHeader(
            slice, kFenceAt,
            {.size = 1, .addr = slice.remote + slice.length - 1, .opcode = static_cast<std::uint8_t>(Opcode::Read)});
    }
    if (in_flight_.empty()) last_progress_ = SteadyClock::now();
    in_flight_.push(&slice);
    if (sending_ == nullptr) sending_ = &slice;
}

std::size_t ClientConnection::outgoing(Slice& slice, std::span<iovec> parts) const {
    std::size_t count = 0;
    parts[count++] = {slice.scratch.data() + kHeaderAt, sizeof(RequestHeader)};
    if (slice.opcode == Opcode::Write) parts[count++] = {slice.local, slice.length};
    if (fenced(slice)) parts[count++] = {slice.scratch.data() + kFenceAt, sizeof(RequestHeader)};
    return count;
}

std::size_t ClientConnection::incoming(Slice& slice, std::span<iovec> parts) const {
    std::size_t count = 0;
    if (trust_.version == 2) parts[count++] = {slice.scratch.data() + kAnswerAt, sizeof(StatusFrame)};
    if (slice.opcode == Opcode::Read) parts[count++] = {slice.local, slice.length};
    if (fenced(slice)) parts[count++] = {slice.scratch.data() + kAnswerAt, 1};
    return count;
}

// The length of what outgoing() lists.
std::uint64_t ClientConnection::outgoingLength(const Slice& slice) const {
    return sizeof(RequestHeader) + (slice.opcode == Opcode::Write ? slice.length : 0) +
           (fenced(slice) ? sizeof(RequestHeader) : 0);
}

// The length of what incoming() lists.
std::uint64_t ClientConnection::incomingLength(const Slice& slice) const {
    return (trust_.version == 2 ? sizeof(StatusFrame) : 0) + (slice.opcode == Opcode::Read ? slice.length : 0) +
           (fenced(slice) ? 1 : 0);
}

void ClientConnection::flush() {
    if (state_ == State::Ready && send()) updateInterest();
}

// False: closed.
bool ClientConnection::send() {
    while (sending_ != nullptr) {
        std::array<iovec, kMostParts> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
        std::size_t count = outgoing(*sending_, parts);
        count = skipBytes(std::span(parts).first(count), sent_);
        std::uint64_t offered = outgoingLength(*sending_) - sent_;
        for (Slice* slice = sending_->next;
             slice != nullptr && count + kPartsPerSlice <= kMostParts && offered < kMostBytes; slice = slice->next) {
            count += outgoing(*slice, std::span(parts).subspan(count));
            offered += outgoingLength(*slice);
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (wouldBlock(errno)) return true;
            // A refusal may be waiting behind the broken pipe.
            const Error error = failure("send to", errno);
            if (receive()) close(error);
            return false;
        }
        last_progress_ = SteadyClock::now();
        sent_ += static_cast<std::uint64_t>(sent);
        while (sending_ != nullptr) {
            const std::uint64_t whole = outgoingLength(*sending_);
            if (sent_ < whole) break;
            sent_ -= whole;
            sending_ = sending_->next;
        }
        if (static_cast<std::uint64_t>(sent) < offered) return true;
    }
    // Version 1 to a peer of which nothing is known: the kernel has it, and nobody will ever say more.
    if (single_ && !trust_.proven && !in_flight_.empty() && in_flight_.front()->opcode == Opcode::Write) {
        owner_.onFinished(*this, *in_flight_.pop(), TaskStatus::COMPLETED, false);
        close(Error{ErrorCode::Unavailable, "done", {}});
        return false;
    }
    return true;
}

// False: closed.
bool ClientConnection::receive() {
    for (;;) {
        std::array<iovec, kMostParts> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
        std::size_t count = 0;
        std::uint64_t skip = received_;
        std::uint64_t wanted = 0;
        // Only what was sent can be answered; of the one being sent, a refusal may come early.
        const Slice* const end = sending_ == nullptr ? nullptr : sending_->next;
        for (Slice* slice = in_flight_.front();
             slice != end && count + kPartsPerSlice <= kMostParts && wanted < kMostBytes; slice = slice->next) {
            const std::size_t added = incoming(*slice, std::span(parts).subspan(count));
            wanted += incomingLength(*slice) - skip;
            count += skip == 0 ? added : skipBytes(std::span(parts).subspan(count, added), skip);
            skip = 0;
        }
        std::byte unexpected{};
        if (count == 0) parts[count++] = {&unexpected, 1};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t got = ::recvmsg(socket_.get(), &message, 0);
        if (got == 0) {
            onEndOfStream();
            return false;
        }
        if (got < 0) {
            if (wouldBlock(errno)) return true;
            close(failure("receive from", errno));
            return false;
        }
        last_progress_ = SteadyClock::now();
        const bool drained = static_cast<std::uint64_t>(got) < wanted;
        if (!consumeReceived(static_cast<std::uint64_t>(got))) return false;
        if (drained || in_flight_.empty()) return true;
    }
}

// False: closed.
bool ClientConnection::consumeReceived(std::uint64_t bytes) {
    received_ += bytes;
    while (received_ > 0) {
        if (in_flight_.empty()) {
            close(Error{ErrorCode::Protocol, fmt::format("{} sent bytes that nobody asked for", name_), {}});
            return false;
        }
        Slice& head = *in_flight_.front();
        if (trust_.version == 2 && received_ >= sizeof(StatusFrame)) {
            StatusFrame status = 0;
            std::memcpy(&status, head.scratch.data() + kAnswerAt, sizeof(status));
            if (status != kStatusOk) {
                if (status == kStatusRejected) {
                    owner_.onFinished(*this, *in_flight_.pop(), TaskStatus::FAILED, false);
                    close(Error{ErrorCode::Protocol, fmt::format("{} refused the address of a request", name_), {}});
                } else {
                    close(Error{ErrorCode::Protocol,
                                fmt::format("{} sent {:#018x} where a status frame belongs", name_, status),
                                {}});
                }
                return false;
            }
        }
        const std::uint64_t whole = incomingLength(head);
        if (whole == 0) {  // A write of which only the end of the connection tells.
            close(Error{ErrorCode::Protocol, fmt::format("{} answered a write that has no answer", name_), {}});
            return false;
        }
        if (received_ < whole) break;
        received_ -= whole;
        if (!finishHead()) return false;
    }
    return true;
}

// False: closed.
bool ClientConnection::finishHead() {
    if (sending_ == in_flight_.front()) {
        close(Error{ErrorCode::Protocol, fmt::format("{} answered a request before it was whole", name_), {}});
        return false;
    }
    owner_.onFinished(*this, *in_flight_.pop(), TaskStatus::COMPLETED, true);
    if (!single_) return true;
    close(Error{ErrorCode::Unavailable, "done", {}});
    return false;
}

void ClientConnection::onEndOfStream() {
    // A peer known to close after each request closes when it has stored the payload; a failing one resets.
    const bool stored = single_ && trust_.proven && trust_.version == 1 && sending_ == nullptr && !in_flight_.empty() &&
                        in_flight_.front()->opcode == Opcode::Write;
    if (stored) owner_.onFinished(*this, *in_flight_.pop(), TaskStatus::COMPLETED, true);
    close(Error{ErrorCode::Unavailable, fmt::format("{} closed the connection", name_), {}});
}

void ClientConnection::updateInterest() {
    if (state_ == State::Closed) return;
    const std::uint32_t wanted = EPOLLIN | (sending_ != nullptr && state_ == State::Ready ? EPOLLOUT : 0U);
    if (wanted == interest_) return;
    interest_ = wanted;
    loop_.modify(socket_.get(), wanted);
}

void ClientConnection::checkDeadline(SteadyClock::time_point now) {
    if (state_ == State::Closed || (state_ == State::Ready && in_flight_.empty())) return;
    const auto limit = state_ == State::Ready ? options_.status_timeout : options_.connect_timeout;
    if (now - last_progress_ >= limit) {
        if (state_ == State::ProbingFirst) downgraded_ = trust_.version == 2 && probe_received_ == sizeof(StatusFrame);
        close(Error{ErrorCode::TimedOut, fmt::format("{}: no answer within {} ms", name_, limit.count()), {}});
        return;
    }
    for (const Slice* slice = in_flight_.front(); slice != nullptr; slice = slice->next) {
        if (now < slice->deadline) continue;
        close(Error{ErrorCode::Unavailable, fmt::format("{}: a request's time is over", name_), {}});
        return;
    }
}

void ClientConnection::close(const Error& error) {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    loop_.remove(socket_.get());
    socket_.reset();
    sending_ = nullptr;
    owner_.onClosed(*this, error);
}

SliceQueue ClientConnection::takeUnfinished() {
    return std::exchange(in_flight_, SliceQueue{});
}

}  // namespace mc::tcp
