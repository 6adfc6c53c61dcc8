#include "transport/tcp/server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "io/socket.h"
#include "transport/tcp/tuning.h"

namespace mc::tcp {

struct Server::Worker {
    Worker(std::unique_ptr<io::LoopThread> loop_thread, const RegionRegistry& regions)
        : thread(std::move(loop_thread)), shared{thread->loop(), RegionView(regions)} {}

    std::unique_ptr<io::LoopThread> thread;
    ServerConnection::Shared shared;
    std::unordered_map<ServerConnection*, std::unique_ptr<ServerConnection>> connections;
};

class Server::Acceptor final : public io::EventHandler {
  public:
    explicit Acceptor(Server& server) : server_(server) {}
    void onEvents(std::uint32_t /*events*/) override { server_.acceptWaiting(); }

  private:
    Server& server_;
};

Server::Server(FileDescriptor listener, const TcpOptions& options)
    : options_(options),
      listener_(std::move(listener)),
      port_(io::localAddress(listener_).port()),
      acceptor_(std::make_unique<Acceptor>(*this)) {}

Result<std::unique_ptr<Server>> Server::start(FileDescriptor listener, const RegionRegistry& regions,
                                              const TcpOptions& options) {
    std::unique_ptr<Server> server(new Server(std::move(listener), options));
    constexpr unsigned kMostByDefault = 4;
    const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
    const int count = options.threads > 0 ? options.threads : static_cast<int>(std::min(cpus, kMostByDefault));
    for (int i = 0; i < count; ++i) {
        auto thread = io::LoopThread::start(fmt::format("mc-tcp-serve{}", i));
        if (!thread) return std::unexpected(thread.error());
        server->workers_.push_back(std::make_unique<Worker>(std::move(*thread), regions));
    }
    Result<void> added;
    auto& first = *server->workers_.front()->thread;
    first.run([&] { added = first.loop().add(server->listener_.get(), EPOLLIN, *server->acceptor_); });
    if (!added) return std::unexpected(added.error());
    return server;
}

Server::~Server() {
    if (workers_.empty()) return;
    auto& first = *workers_.front()->thread;
    first.run([&] { first.loop().remove(listener_.get()); });
    for (const auto& worker : workers_) {
        worker->thread->run([&] { worker->connections.clear(); });
    }
}

void Server::acceptWaiting() {
    for (;;) {
        auto socket = io::acceptFrom(listener_);
        if (!socket) {
            // Out of descriptors or memory: leave the queue alone for a moment instead of spinning on it.
            log::warning("{}: {}", io::localAddress(listener_).toString(), socket.error().message);
            auto& loop = workers_.front()->thread->loop();
            loop.modify(listener_.get(), 0);
            loop.at(SteadyClock::now() + std::chrono::milliseconds(100),
                    [this, &loop] { loop.modify(listener_.get(), EPOLLIN); });
            return;
        }
        if (!*socket) return;
        if (open_connections_.load(std::memory_order_relaxed) >= options_.max_connections) {
            refused_connections_.fetch_add(1, std::memory_order_relaxed);
            continue;  // Closes it.
        }
        open_connections_.fetch_add(1, std::memory_order_relaxed);
        tuneConnection(*socket, options_.congestion);
        Worker& worker = *workers_[next_worker_++ % workers_.size()];
        if (&worker == workers_.front().get()) {
            serve(worker, std::move(*socket));
        } else {
            worker.thread->loop().post(
                [this, &worker, taken = std::move(*socket)]() mutable { serve(worker, std::move(taken)); });
        }
    }
}

void Server::serve(Worker& worker, FileDescriptor socket) {
    auto connection =
        std::make_unique<ServerConnection>(std::move(socket), worker.shared, [this, &worker](ServerConnection& over) {
            worker.connections.erase(&over);
            open_connections_.fetch_sub(1, std::memory_order_relaxed);
        });
    if (const auto started = connection->start(); !started) {
        log::warning("tcp server: {}", started.error().message);
        open_connections_.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    worker.connections.emplace(connection.get(), std::move(connection));
}

void Server::retire(std::uint64_t addr, std::uint64_t length) {
    for (const auto& worker : workers_) {
        worker->thread->run([&] {
            const auto dropped = std::erase_if(worker->connections,
                                               [&](const auto& entry) { return entry.first->touches(addr, length); });
            open_connections_.fetch_sub(dropped, std::memory_order_relaxed);
        });
    }
}

TransportCounters Server::counters() const {
    TransportCounters total;
    for (const auto& worker : workers_) {
        const auto& shared = worker->shared;
        total.bytes_served += shared.bytes_served.load(std::memory_order_relaxed);
        total.requests_served += shared.requests_served.load(std::memory_order_relaxed);
        total.requests_rejected += shared.requests_rejected.load(std::memory_order_relaxed);
    }
    total.connections = total.connections_served = open_connections_.load(std::memory_order_relaxed);
    total.connections_refused = refused_connections_.load(std::memory_order_relaxed);
    return total;
}

}  // namespace mc::tcp
