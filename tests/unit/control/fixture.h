#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "control/control_server.h"
#include "control/unix_address.h"
#include "temporary.h"

namespace mc::control::test {

/// A client that writes and reads what the test says. A minute without a byte ends a read.
class RawClient {
  public:
    explicit RawClient(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = unixAddress(path).value();
        connected_ = ::connect(socket_.get(), asSocketAddress(address), sizeof(address)) == 0;
        const timeval minute{60, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
    }
    bool connected() const { return connected_; }
    bool send(std::string_view bytes) {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    void endInput() { ::shutdown(socket_.get(), SHUT_WR); }
    /// The next line, or what there was before the end.
    std::string line() {
        for (;;) {
            if (const auto end = received_.find('\n'); end != std::string::npos) {
                std::string text = received_.substr(0, end);
                received_.erase(0, end + 1);
                return text;
            }
            std::array<char, 4096> buffer{};
            const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got <= 0) return std::exchange(received_, {});
            received_.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    /// True once the server has closed; what it sent before is dropped.
    bool closed() {
        for (;;) {
            std::array<char, 4096> buffer{};
            const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got <= 0) return got == 0 || errno == ECONNRESET;
        }
    }

  private:
    FileDescriptor socket_;
    bool connected_ = false;
    std::string received_;
};

/// A server with an `echo`, and a `wait` that lasts until the test opens the gate.
class ServerFixture : public testing::Test {
  protected:
    ~ServerFixture() override {
        openGate();
        server_.reset();
        std::filesystem::remove_all(directory_);
    }
    void start(const ControlServerOptions& options = {}) {
        RpcMethods methods;
        methods.add("echo", "return the params",
                    [](const nlohmann::json& params) -> Result<nlohmann::json> { return params; });
        methods.add("wait", "wait", [this](const nlohmann::json&) -> Result<nlohmann::json> {
            std::unique_lock lock(mutex_);
            waiting_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return open_; });
            return "done";
        });
        auto socket = ControlSocket::bind(path_);
        ASSERT_TRUE(socket) << socket.error().message;
        auto server = ControlServer::start(std::move(*socket), std::move(methods), options);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }
    void openGate() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void awaitWaiting() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_; });
    }
    void expectServes() {
        RawClient client(path_);
        ASSERT_TRUE(client.send(request("echo", "[5]", 9)));
        EXPECT_EQ(nlohmann::json::parse(client.line())["result"][0], 5);
    }
    static std::string request(std::string_view method, std::string_view params, int id) {
        return R"({"jsonrpc":"2.0","method":")" + std::string(method) + R"(","params":)" + std::string(params) +
               R"(,"id":)" + std::to_string(id) + "}\n";
    }

    const std::filesystem::path directory_ = mc::test::temporaryPath("control");
    const std::filesystem::path path_ = directory_ / "t.sock";
    std::unique_ptr<ControlServer> server_;

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool waiting_ = false;
    bool open_ = false;
};

}  // namespace mc::control::test
