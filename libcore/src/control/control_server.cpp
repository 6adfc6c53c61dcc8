#include "control/control_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/control_connection.h"
#include "io/loop_thread.h"
#include "io/socket.h"

namespace mc::control {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr int kWorkers = 4;  // One that waits for a hung disk must not keep others from asking what is going on.

bool mayAsk(const FileDescriptor& socket) {
    ucred peer{};
    socklen_t length = sizeof(peer);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

class ControlServer::Impl final : public ControlConnection::Owner, io::EventHandler {
  public:
    Impl(ControlSocket socket, RpcMethods methods, const ControlServerOptions& options)
        : socket_(std::move(socket)), methods_(std::move(methods)), options_(options) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ~Impl() override {
        if (!loop_thread_) return;
        workers_.clear();  // Ends them; what they have posted by then, the loop runs before what comes next.
        loop_thread_->run([this] {
            if (pause_) loop().cancel(*pause_);
            loop().remove(socket_.listener().get());
            connections_.clear();
        });
    }

    Result<void> start() {
        auto thread = io::LoopThread::start("mc-control");
        if (!thread) return std::unexpected(thread.error());
        loop_thread_ = std::move(*thread);
        try {
            for (int i = 0; i < kWorkers; ++i)
                workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
        } catch (const std::system_error& error) {
            return failErrno("start thread", "mc-control", error.code().value());
        }
        Result<void> added;
        loop_thread_->run([&] { added = loop().add(socket_.listener().get(), EPOLLIN, *this); });
        return added;
    }

    const std::filesystem::path& path() const { return socket_.path(); }

    void answer(std::uint64_t connection, std::string message) override {
        const std::lock_guard lock(mutex_);
        messages_.emplace_back(connection, std::move(message));
        changed_.notify_one();
    }

    void drop(std::uint64_t connection) override { connections_.erase(connection); }

    void onEvents(std::uint32_t /*events*/) override {
        for (;;) {
            auto client = io::acceptFrom(socket_.listener());
            if (!client) return pause(client.error());
            if (!*client) return;
            admit(std::move(*client));
        }
    }

  private:
    io::EventLoop& loop() { return loop_thread_->loop(); }

    void admit(FileDescriptor client) {
        if (connections_.size() >= options_.max_connections) return;
        if (!mayAsk(client)) {
            const std::string reply = notPermittedReply() + "\n";
            // A courtesy: what the client's buffer can't take is lost.
            (void)::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            log::warning("control socket {}: another user's process was refused", path().native());
            return;
        }
        const std::uint64_t number = ++last_number_;
        auto connection = std::make_unique<ControlConnection>(number, std::move(client), loop(), options_, *this);
        if (connection->start()) connections_.emplace(number, std::move(connection));
    }

    // Out of descriptors, the listener stays readable: without a pause the loop would spin.
    void pause(const Error& cause) {
        log::debug("control socket: {}", cause.message);
        loop().modify(socket_.listener().get(), 0);
        pause_ = loop().at(SteadyClock::now() + kPause, [this] {
            pause_.reset();
            loop().modify(socket_.listener().get(), EPOLLIN);
        });
    }

    // There are no more messages than connections: each waits for its reply.
    void work(const std::stop_token& stop) {
        nameThisThread("mc-control-work");
        std::unique_lock lock(mutex_);
        while (changed_.wait(lock, stop, [this] { return !messages_.empty(); })) {
            if (stop.stop_requested()) return;
            const auto [connection, message] = std::move(messages_.front());
            messages_.pop_front();
            lock.unlock();
            auto reply = methods_.answer(message);
            loop().post([this, connection, reply = std::move(reply)] {
                const auto found = connections_.find(connection);
                if (found != connections_.end()) found->second->deliver(reply);
            });
            lock.lock();
        }
    }

    ControlSocket socket_;  // Outlives those who wait on it.
    const RpcMethods methods_;
    const ControlServerOptions options_;
    std::unique_ptr<io::LoopThread> loop_thread_;
    std::unordered_map<std::uint64_t, std::unique_ptr<ControlConnection>> connections_;  // In the loop's thread only.
    std::uint64_t last_number_ = 0;
    std::optional<io::EventLoop::TimerId> pause_;
    std::mutex mutex_;  // Guards `messages_`.
    std::condition_variable_any changed_;
    std::deque<std::pair<std::uint64_t, std::string>> messages_;
    std::vector<std::jthread> workers_;  // Last: they use what is above.
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::start(ControlSocket socket, RpcMethods methods,
                                                            const ControlServerOptions& options) {
    auto impl = std::make_unique<Impl>(std::move(socket), std::move(methods), options);
    if (auto started = impl->start(); !started) return std::unexpected(started.error());
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

const std::filesystem::path& ControlServer::path() const {
    return impl_->path();
}

}  // namespace mc::control
