#include "io/page_receiver.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mc::io {
namespace {

// The most that who is not root may have.
constexpr int kPipeBytes = 1 << 20;

}  // namespace

bool PageReceiver::open() {
    if (in_) return true;
    std::array<int, 2> ends{};
    if (refused_ || ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return false;
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    if (::fcntl(in_.get(), F_SETPIPE_SZ, kPipeBytes) >= kPipeBytes) return true;
    clear();
    refused_ = true;
    return false;
}

void PageReceiver::clear() {
    out_.reset();
    in_.reset();
    head_ = received_ = 0;
}

bool PageReceiver::begin(std::span<const std::byte> head) {
    if (head_ + received_ > 0) clear();
    if (!open() || ::write(in_.get(), head.data(), head.size()) != static_cast<ssize_t>(head.size())) return false;
    head_ = head.size();
    return true;
}

ssize_t PageReceiver::receive(int socket, std::size_t length) {
    const ssize_t got = ::splice(socket, nullptr, in_.get(), nullptr, length, SPLICE_F_NONBLOCK);
    if (got > 0) received_ += static_cast<std::size_t>(got);
    if (got >= 0 || errno != EAGAIN) return got;
    pollfd room{.fd = in_.get(), .events = POLLOUT, .revents = 0};
    errno = ::poll(&room, 1, 0) == 0 ? ENOBUFS : EAGAIN;
    return -1;
}

bool PageReceiver::copyTo(std::span<std::byte> memory) {
    std::array<std::byte, 64> head;  // NOLINT(cppcoreguidelines-pro-type-member-init): nobody reads it
    while (head_ > 0) {
        const ssize_t got = ::read(out_.get(), head.data(), std::min(head_, head.size()));
        if (got <= 0) return false;
        head_ -= static_cast<std::size_t>(got);
    }
    while (!memory.empty()) {
        const ssize_t got = ::read(out_.get(), memory.data(), memory.size());
        if (got <= 0) return false;
        memory = memory.subspan(static_cast<std::size_t>(got));
    }
    received_ = 0;
    return true;
}

ssize_t PageReceiver::sendTo(int file) {
    const std::size_t all = head_ + received_;
    const ssize_t sent = ::splice(out_.get(), nullptr, file, nullptr, all, 0);
    if (sent == static_cast<ssize_t>(all)) {
        head_ = received_ = 0;
    } else {
        const int error = errno;
        clear();
        errno = error;
    }
    return sent;
}

}  // namespace mc::io
