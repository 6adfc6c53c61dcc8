#pragma once

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/socket.h"
#include "metadata/wire.h"

namespace mc::metadata {

/// A reply of a server that knows the extensions, or of one that does not.
inline std::string extendedReply(int status, std::string_view body, std::string_view version = "") {
    const std::string etag = version.empty() ? "" : fmt::format("ETag: \"{}\"\r\n", version);
    return fmt::format("HTTP/1.1 {} X\r\nMc-Metadata: 1\r\n{}Content-Length: {}\r\n\r\n{}", status, etag, body.size(),
                       body);
}
inline std::string stockReply(int status, std::string_view body) {
    return fmt::format("HTTP/1.1 {} X\r\nETag: \"from-a-proxy\"\r\nContent-Length: {}\r\n\r\n{}", status, body.size(),
                       body);
}
inline std::string headReply(bool extended) {
    return fmt::format("HTTP/1.1 404 X\r\n{}Content-Length: 18\r\n\r\n", extended ? "Mc-Metadata: 1\r\n" : "");
}

/// An HTTP server whose replies a test writes, byte by byte: an empty one closes the connection.
class ScriptedHttpServer {
  public:
    using Answer = std::function<std::string(const std::string& request)>;

    explicit ScriptedHttpServer(Answer answer)
        : answer_(std::move(answer)),
          listener_(io::listenOn(loopback(), 64).value()),
          acceptor_([this] { accept(); }) {}

    ~ScriptedHttpServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const auto& connection : connections_)
                ::shutdown(connection.socket.get(), SHUT_RDWR);
        }
        connections_.clear();
    }

    std::string url() const { return fmt::format("http://127.0.0.1:{}/metadata", io::localAddress(listener_).port()); }
    /// Head and body of each request so far.
    std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    /// "GET", "PUT" of each.
    std::vector<std::string> methods() const {
        std::vector<std::string> methods;
        for (const auto& request : requests())
            methods.push_back(request.substr(0, request.find(' ')));
        return methods;
    }
    std::size_t connections() const {
        const std::lock_guard lock(mutex_);
        return connections_.size();
    }
    /// Sends on every connection, or ends them all.
    void push(std::string_view bytes) {
        const std::lock_guard lock(mutex_);
        for (const auto& connection : connections_)
            ::send(connection.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    void closeAll() {
        const std::lock_guard lock(mutex_);
        for (const auto& connection : connections_)
            ::shutdown(connection.socket.get(), SHUT_RDWR);
    }

  private:
    struct Connection {
        FileDescriptor socket;
        std::jthread thread;
    };

    void accept() {
        for (;;) {
            // The kernel wakes a blocked accept when the listener is shut down.
            FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket && (errno == EAGAIN || errno == EINTR)) {
                std::this_thread::yield();
                continue;
            }
            if (!socket) return;
            const std::lock_guard lock(mutex_);
            connections_.push_back({std::move(socket), {}});
            const int fd = connections_.back().socket.get();
            connections_.back().thread = std::jthread([this, fd] { serve(fd); });
        }
    }

    void serve(int fd) {
        std::string bytes;
        std::array<char, 65536> block{};
        for (;;) {
            const auto head = bytes.find("\r\n\r\n");
            const auto length = head == std::string::npos ? 0 : head + 4 + bodyLength(bytes.substr(0, head));
            if (head == std::string::npos || bytes.size() < length) {
                const auto got = ::recv(fd, block.data(), block.size(), 0);
                if (got <= 0) return;
                bytes.append(block.data(), static_cast<std::size_t>(got));
                continue;
            }
            const std::string request = bytes.substr(0, length);
            bytes.erase(0, length);
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            const std::string reply = answer_(request);
            if (!reply.empty()) {
                ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
            } else {
                ::shutdown(fd, SHUT_RDWR);
                return;
            }
        }
    }

    static std::size_t bodyLength(const std::string& head) {
        const auto at = head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    }

    const Answer answer_;
    FileDescriptor listener_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::list<Connection> connections_;
    std::jthread acceptor_;
};

}  // namespace mc::metadata
