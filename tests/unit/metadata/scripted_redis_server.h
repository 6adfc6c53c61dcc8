#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "io/socket.h"
#include "metadata/wire.h"

namespace mc::metadata {

/// A server that answers whatever it receives as a test says: with bytes, never (nothing), or by closing ("").
class ScriptedRedisServer {
  public:
    using Answer = std::function<std::optional<std::string>(const std::string& received)>;

    explicit ScriptedRedisServer(Answer answer)
        : answer_(std::move(answer)),
          listener_(io::listenOn(loopback(), 64).value()),
          acceptor_([this] { accept(); }) {}

    ~ScriptedRedisServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        for (const auto& connection : connections_)
            ::shutdown(connection.socket.get(), SHUT_RDWR);
        connections_.clear();
    }

    std::string uri() const { return "redis://127.0.0.1:" + std::to_string(io::localAddress(listener_).port()); }
    /// How often something was received.
    int received() const { return received_; }

  private:
    struct Connection {
        FileDescriptor socket;
        std::jthread thread;
    };

    void accept() {
        for (;;) {
            FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket && (errno == EAGAIN || errno == EINTR)) {
                std::this_thread::yield();
                continue;
            }
            if (!socket) return;
            connections_.push_back({std::move(socket), {}});
            const int fd = connections_.back().socket.get();
            connections_.back().thread = std::jthread([this, fd] { serve(fd); });
        }
    }

    void serve(int fd) {
        std::array<char, 65536> block{};
        for (;;) {
            const auto got = ::recv(fd, block.data(), block.size(), 0);
            if (got <= 0) return;
            ++received_;
            const auto reply = answer_(std::string(block.data(), static_cast<std::size_t>(got)));
            if (!reply) continue;
            if (!reply->empty()) ::send(fd, reply->data(), reply->size(), MSG_NOSIGNAL);
            if (!reply->empty()) continue;
            ::shutdown(fd, SHUT_RDWR);
            return;
        }
    }

    const Answer answer_;
    FileDescriptor listener_;
    std::atomic<int> received_ = 0;
    std::list<Connection> connections_;  // The acceptor's, until it has ended.
    std::jthread acceptor_;
};

}  // namespace mc::metadata
