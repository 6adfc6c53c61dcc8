#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/socket.h"

namespace mc::metadata {

/// The length field of a handshake frame, written independently of the library.
inline std::string wireLength(std::uint64_t length) {
    std::string bytes;
    for (int i = 0; i < 8; ++i, length >>= 8) {
        bytes.push_back(static_cast<char>(length & 0xff));
    }
    return bytes;
}

inline std::string wireFrame(std::string_view body) {
    return wireLength(body.size()).append(body);
}

inline io::SocketAddress loopback(std::uint16_t port = 0) {
    return io::resolve("127.0.0.1", port)->front();
}

/// A client that writes and reads what the test says. Blocking; a minute without a byte ends a read.
class RawClient {
  public:
    explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = loopback(port);
        connected_ = ::connect(socket_.get(), address.get(), address.length()) == 0;
        const timeval minute{60, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
    }

    bool connected() const { return connected_; }
    /// False when the peer has closed.
    bool send(std::string_view bytes) {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    /// All that comes until the peer closes, in order or not; "no end" if it never does.
    std::string readToEnd() {
        std::string all;
        std::array<char, 65536> buffer{};
        for (;;) {
            const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got == 0 || (got < 0 && errno == ECONNRESET)) return all;
            if (got < 0) return "no end";
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    /// True while neither a byte nor the end has come.
    bool isWaiting() {
        char byte = 0;
        return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
    }
    void shutdownWrite() { ::shutdown(socket_.get(), SHUT_WR); }

  private:
    FileDescriptor socket_;
    bool connected_ = false;
};

/// Sends `bytes`, returns all that comes back.
inline std::string replyTo(std::uint16_t port, std::string_view bytes) {
    RawClient client(port);
    client.send(bytes);
    return client.readToEnd();
}

}  // namespace mc::metadata
