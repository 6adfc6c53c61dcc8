#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "io/socket.h"
#include "transport/tcp/wire.h"

namespace mc::tcp::test {

using Bytes = std::vector<std::byte>;

/// A blocking socket with time limits, to speak the protocol byte by byte.
class RawSocket {
  public:
    explicit RawSocket(FileDescriptor socket) : socket_(std::move(socket)) {
        const timeval limit{10, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    static RawSocket connect(std::uint16_t port) {
        const FileDescriptor none;
        FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = io::resolve("127.0.0.1", port)->front();
        EXPECT_EQ(::connect(socket.get(), address.get(), address.length()), 0);
        return RawSocket(std::move(socket));
    }
    /// Waits for a connection to `listener`, which is non-blocking.
    static std::optional<RawSocket> accept(const FileDescriptor& listener) {
        FileDescriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) return std::nullopt;
        return RawSocket(std::move(socket));
    }

    void send(const void* data, std::size_t length) {
        ASSERT_EQ(::send(socket_.get(), data, length, MSG_NOSIGNAL), static_cast<ssize_t>(length));
    }
    void send(const RequestHeader& header) { send(&header, sizeof(header)); }
    void send(StatusFrame frame) { send(&frame, sizeof(frame)); }

    /// Up to `length` bytes: fewer if the stream ends.
    Bytes receive(std::size_t length) {
        Bytes bytes(length);
        std::size_t have = 0;
        while (have < length) {
            const ssize_t got = ::recv(socket_.get(), bytes.data() + have, length - have, 0);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        bytes.resize(have);
        return bytes;
    }
    StatusFrame receiveStatus() {
        StatusFrame frame = 0;
        const Bytes bytes = receive(sizeof(frame));
        if (bytes.size() == sizeof(frame)) std::memcpy(&frame, bytes.data(), sizeof(frame));
        return frame;
    }
    std::optional<RequestHeader> receiveHeader() {
        const Bytes bytes = receive(sizeof(RequestHeader));
        if (bytes.size() != sizeof(RequestHeader)) return std::nullopt;
        RequestHeader header;
        std::memcpy(&header, bytes.data(), sizeof(header));
        return header;
    }
    bool atEnd() { return receive(1).empty(); }
    const FileDescriptor& descriptor() const { return socket_; }

  private:
    FileDescriptor socket_;
};

}  // namespace mc::tcp::test
