#include "transport/tcp/server_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "io/socket.h"

namespace mc::tcp {
namespace {

// Up to here a payload is cheaper to copy out of the staging buffer than to fetch with a system call of its own.
constexpr std::uint64_t kDirectPayload = 16 << 10;
// A busy connection gives way to the others of its loop after so many reads.
constexpr int kReceivesPerEvent = 16;
constexpr std::uint64_t kMaxDiscarded = 64 << 20;
constexpr std::chrono::seconds kDrainTime{2};

bool wouldBlock(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Of a counter that only one thread writes.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

}  // namespace

ServerConnection::ServerConnection(FileDescriptor socket, Shared& shared, ClosedCallback closed)
    : socket_(std::move(socket)),
      shared_(shared),
      closed_(std::move(closed)),
      staging_(std::make_unique_for_overwrite<std::byte[]>(kStagingSize)),
      pending_(std::make_unique<Response[]>(kMaxPending)) {}

ServerConnection::~ServerConnection() {
    if (drain_timer_ != 0) shared_.loop.cancel(drain_timer_);
    shared_.loop.remove(socket_.get());
}

Result<void> ServerConnection::start() {
    interest_ = EPOLLIN;
    return shared_.loop.add(socket_.get(), interest_, *this);
}

void ServerConnection::onEvents(std::uint32_t events) {
    const bool broken = (events & EPOLLERR) != 0;
    if (broken || !(state_ == State::Draining ? discard() : pump())) {
        close();
        return;
    }
    updateInterest();
}

// Nothing of this object may be used afterwards.
void ServerConnection::close() {
    const ClosedCallback closed = std::move(closed_);
    closed(*this);
}

// Fetches and answers until there is nothing to do or it is the others' turn. Answers are sent when the input pauses:
// many in one system call, and one wake-up of the peer. False: the connection is over.
bool ServerConnection::pump() {
    bool drained = false;
    for (int receives = 0;;) {
        parse();
        if (state_ == State::Closing || drained || receives == kReceivesPerEvent || hasStagedHeader()) {
            if (!flush()) return false;
            if (state_ == State::Closing) {
                if (pending_count_ == 0) startDraining();
                return true;
            }
            if (stalled()) return true;
            if (hasStagedHeader()) continue;
            if (drained || receives == kReceivesPerEvent) return true;
        }
        if (!receive(drained)) return false;
        ++receives;
    }
}

bool ServerConnection::hasStagedHeader() const {
    return state_ == State::Serving && staged_end_ - staged_begin_ >= sizeof(RequestHeader);
}

// What is staged waits for unsent answers.
bool ServerConnection::stalled() const {
    return pending_count_ > 0 && hasStagedHeader();
}

void ServerConnection::parse() {
    if (state_ == State::Receiving) takePayload();
    while (hasStagedHeader() && pending_count_ < kMaxPending) {
        RequestHeader header;
        std::memcpy(&header, staging_.get() + staged_begin_, sizeof(header));
        if (!startRequest(header)) break;
    }
    if (staged_begin_ == staged_end_) staged_begin_ = staged_end_ = 0;
}

// False: the request has to wait for answers that are still to be sent.
bool ServerConnection::startRequest(const RequestHeader& header) {
    const Region* region = shared_.regions.find(header.addr, header.size);
    if (region == nullptr || !region->remote_accessible) {
        refuse(header);
        return true;
    }
    auto* const memory = reinterpret_cast<std::byte*>(header.addr);  // NOLINT(performance-no-int-to-ptr): the protocol
    if (!header.isWrite()) {
        staged_begin_ += sizeof(header);
        add(shared_.requests_served, 1);
        respond(kStatusOk, header.acknowledged(), memory, header.size);
        return true;
    }
    if (header.addr < reading_end_ && header.addr + header.size > reading_begin_) return false;
    staged_begin_ += sizeof(header);
    add(shared_.requests_served, 1);
    state_ = State::Receiving;
    payload_ = memory;
    payload_left_ = header.size;
    payload_acknowledged_ = header.acknowledged();
    bulk_ = header.size >= kDirectPayload;
    takePayload();
    return true;
}

// Moves staged bytes of the current write to where they belong and ends it when it is whole.
void ServerConnection::takePayload() {
    const std::uint64_t staged = std::min<std::uint64_t>(payload_left_, staged_end_ - staged_begin_);
    if (staged > 0) {
        std::memcpy(payload_, staging_.get() + staged_begin_, staged);
        staged_begin_ += staged;
        payload_ += staged;
        payload_left_ -= staged;
        countServed(staged);
    }
    if (payload_left_ > 0) return;
    state_ = State::Serving;
    if (payload_acknowledged_) respond(kStatusOk, true, nullptr, 0);
}

void ServerConnection::refuse(const RequestHeader& header) {
    add(shared_.requests_rejected, 1);
    if (header.acknowledged()) respond(kStatusRejected, true, nullptr, 0);
    state_ = State::Closing;
}

void ServerConnection::respond(StatusFrame status, bool with_status, const std::byte* data, std::uint64_t length) {
    Response& response = pending_[(pending_first_ + pending_count_) % kMaxPending];
    response = {.status = status,
                .status_length = with_status ? static_cast<std::uint32_t>(sizeof(StatusFrame)) : 0,
                .sent = 0,
                .data = data,
                .length = length};
    ++pending_count_;
    if (length == 0) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    const bool first = reading_begin_ == reading_end_;
    reading_begin_ = first ? begin : std::min(reading_begin_, begin);
    reading_end_ = first ? begin + length : std::max(reading_end_, begin + length);
}

// `drained`: the socket had less than asked for. False: the connection is over.
bool ServerConnection::receive(bool& drained) {
    std::array<iovec, 2> parts;
    std::size_t count = 0;
    std::uint64_t asked = 0;
    // Among large payloads only the next header is staged, so that the payload behind it is not copied.
    std::size_t room = 0;
    if (state_ == State::Receiving) {
        parts[count++] = {payload_, payload_left_};
        asked = payload_left_;
        staged_begin_ = staged_end_ = 0;
        room = bulk_ ? sizeof(RequestHeader) : kStagingSize;
    } else {
        std::memmove(staging_.get(), staging_.get() + staged_begin_, staged_end_ - staged_begin_);
        staged_end_ -= staged_begin_;
        staged_begin_ = 0;
        room = (bulk_ ? sizeof(RequestHeader) : kStagingSize) - staged_end_;
    }
    parts[count++] = {staging_.get() + staged_end_, room};
    asked += room;

    const ssize_t got = ::readv(socket_.get(), parts.data(), static_cast<int>(count));
    if (got == 0 && pending_count_ == 0) return false;
    if (got == 0) {
        state_ = State::Closing;  // It has stopped asking; what it asked for is still answered.
        return true;
    }
    if (got < 0) {
        drained = true;
        return wouldBlock(errno);
    }
    ++moves_;
    drained = static_cast<std::uint64_t>(got) < asked;
    auto bytes = static_cast<std::uint64_t>(got);
    if (state_ == State::Receiving) {
        const std::uint64_t direct = std::min(bytes, payload_left_);
        payload_ += direct;
        payload_left_ -= direct;
        bytes -= direct;
        countServed(direct);
    }
    staged_end_ += bytes;
    return true;
}

std::size_t ServerConnection::gather(std::span<iovec> parts) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < pending_count_ && count + 2 <= parts.size(); ++i) {
        Response& response = pending_[(pending_first_ + i) % kMaxPending];
        std::uint64_t skip = response.sent;
        if (skip < response.status_length) {
            parts[count++] = {reinterpret_cast<std::byte*>(&response.status) + skip, response.status_length - skip};
            skip = 0;
        } else {
            skip -= response.status_length;
        }
        if (skip < response.length) {
            parts[count++] = {const_cast<std::byte*>(response.data) + skip, response.length - skip};
        }
    }
    return count;
}

void ServerConnection::consumeSent(std::uint64_t bytes) {
    std::uint64_t served = 0;
    while (bytes > 0) {
        Response& response = pending_[pending_first_];
        const std::uint64_t left = response.status_length + response.length - response.sent;
        if (bytes < left) {
            response.sent += bytes;
            break;
        }
        bytes -= left;
        served += response.length;
        pending_first_ = (pending_first_ + 1) % kMaxPending;
        --pending_count_;
    }
    if (pending_count_ == 0) reading_begin_ = reading_end_ = 0;
    countServed(served);
}

void ServerConnection::countServed(std::uint64_t bytes) {
    add(shared_.bytes_served, bytes);
}

// False: the connection is over.
bool ServerConnection::flush() {
    while (pending_count_ > 0) {
        std::array<iovec, 2 * kMaxPending> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by gather
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = gather(parts);
        const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (sent < 0) return wouldBlock(errno);
        ++moves_;
        consumeSent(static_cast<std::uint64_t>(sent));
    }
    return true;
}

void ServerConnection::startDraining() {
    state_ = State::Draining;
    ::shutdown(socket_.get(), SHUT_WR);
    drain_timer_ = shared_.loop.at(SteadyClock::now() + kDrainTime, [this] {
        drain_timer_ = 0;
        close();
    });
}

bool ServerConnection::discard() {
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), staging_.get(), kStagingSize, 0);
        if (got == 0) return false;
        if (got < 0) return wouldBlock(errno);
        discarded_ += static_cast<std::uint64_t>(got);
        if (discarded_ > kMaxDiscarded) return false;
    }
}

void ServerConnection::updateInterest() {
    const bool readable = state_ == State::Draining || (state_ != State::Closing && !stalled());
    const std::uint32_t wanted = (readable ? EPOLLIN : 0U) | (pending_count_ > 0 ? EPOLLOUT : 0U);
    if (wanted == interest_) return;
    interest_ = wanted;
    shared_.loop.modify(socket_.get(), wanted);
}

// In the middle of a request or of its answer.
bool ServerConnection::underWay() const {
    return state_ != State::Serving || staged_begin_ != staged_end_ || pending_count_ > 0;
}

bool ServerConnection::overdue(SteadyClock::time_point now, std::chrono::milliseconds stall,
                               std::chrono::milliseconds idle) {
    if (moves_ != moves_seen_) {
        moves_seen_ = moves_;
        quiet_since_ = now;
        return false;
    }
    if (state_ == State::Draining) return false;  // Its timer runs.
    const auto limit = underWay() ? stall : idle;
    return limit.count() > 0 && now - quiet_since_ >= limit;
}

void ServerConnection::expire() {
    // What came while this loop was busy elsewhere still counts.
    const std::uint64_t before = moves_;
    if (!pump() || moves_ == before) {
        log::debug("tcp server: {}: nothing moves, closed", io::peerAddress(socket_).toString());
        close();
        return;
    }
    updateInterest();
}

bool ServerConnection::touches(std::uint64_t addr, std::uint64_t length) const {
    const auto overlaps = [&](const std::byte* data, std::uint64_t size) {
        const auto begin = reinterpret_cast<std::uintptr_t>(data);
        return size > 0 && begin < addr + length && addr < begin + size;
    };
    if (state_ == State::Receiving && overlaps(payload_, payload_left_)) return true;
    for (std::size_t i = 0; i < pending_count_; ++i) {
        const Response& response = pending_[(pending_first_ + i) % kMaxPending];
        if (overlaps(response.data, response.length)) return true;
    }
    return false;
}

}  // namespace mc::tcp
