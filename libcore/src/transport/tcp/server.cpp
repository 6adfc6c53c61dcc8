#include "transport/tcp/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/log.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::tcp {
namespace {

constexpr std::chrono::milliseconds kHeldUp{500};  // A sweep so late did not find this process running.

// How often to look for connections that do not move; 0: never.
std::chrono::milliseconds sweepInterval(const TcpOptions& options) {
    constexpr std::chrono::milliseconds kOften{10};
    constexpr std::chrono::milliseconds kSeldom{5000};
    const auto never = std::chrono::milliseconds::max();
    const auto limit = std::min(options.stall_timeout.count() > 0 ? options.stall_timeout : never,
                                options.idle_timeout.count() > 0 ? options.idle_timeout : never);
    return limit == never ? std::chrono::milliseconds{0} : std::clamp(limit / 4, kOften, kSeldom);
}

}  // namespace

struct Server::Worker {
    Worker(std::unique_ptr<io::LoopThread> loop_thread, const RegionRegistry& regions)
        : thread(std::move(loop_thread)), shared{thread->loop(), RegionView(regions)} {}

    std::unique_ptr<io::LoopThread> thread;
    ServerConnection::Shared shared;
    std::unordered_map<ServerConnection*, std::unique_ptr<ServerConnection>> connections;
    io::EventLoop::TimerId sweep_timer = 0;
    SteadyClock::time_point sweep_at{};
};

Server::Server(FileDescriptor listener, const TcpOptions& options)
    : options_(options), listener_(std::move(listener)), port_(io::localAddress(listener_).port()) {}

Result<std::unique_ptr<Server>> Server::start(FileDescriptor listener, const RegionRegistry& regions,
                                              const TcpOptions& options) {
    io::tuneListener(listener, options.congestion);
    std::unique_ptr<Server> server(new Server(std::move(listener), options));
    for (int i = 0; i < std::max(1, options.threads); ++i) {
        auto thread = io::LoopThread::start(fmt::format("mc-tcp-serve{}", i));
        if (!thread) return std::unexpected(thread.error());
        server->workers_.push_back(std::make_unique<Worker>(std::move(*thread), regions));
    }
    Result<void> accepts;
    auto& first = *server->workers_.front()->thread;
    server->acceptor_.emplace(first.loop(), server->listener_,
                              [raw = server.get()](FileDescriptor socket) { raw->accept(std::move(socket)); });
    first.run([&] { accepts = server->acceptor_->start(); });
    if (!accepts) return std::unexpected(accepts.error());
    return server;
}

Server::~Server() {
    if (workers_.empty()) return;
    auto& first = *workers_.front()->thread;
    if (acceptor_) first.run([&] { acceptor_->stop(); });
    for (const auto& worker : workers_) {
        worker->thread->run([&] {
            if (worker->sweep_timer != 0) worker->thread->loop().cancel(worker->sweep_timer);
            worker->connections.clear();
        });
    }
}

void Server::accept(FileDescriptor socket) {
    if (open_connections_.load(std::memory_order_relaxed) >= options_.max_connections) {
        refused_connections_.fetch_add(1, std::memory_order_relaxed);
        return;  // Closes it.
    }
    open_connections_.fetch_add(1, std::memory_order_relaxed);
    io::tuneAccepted(socket, options_.congestion);
    Worker& worker = *workers_[next_worker_++ % workers_.size()];
    if (&worker == workers_.front().get()) return serve(worker, std::move(socket));
    worker.thread->loop().post(
        [this, &worker, taken = std::move(socket)]() mutable { serve(worker, std::move(taken)); });
}

void Server::serve(Worker& worker, FileDescriptor socket) {
    try {
        auto connection = std::make_unique<ServerConnection>(
            std::move(socket), worker.shared, [this, &worker](ServerConnection& over) {
                worker.connections.erase(&over);
                open_connections_.fetch_sub(1, std::memory_order_relaxed);
            });
        ServerConnection* const key = connection.get();
        worker.connections.emplace(key, std::move(connection));
        const auto started = key->start();
        if (started) return sweepLater(worker);
        log::warning("tcp server: {}", started.error().message);
        worker.connections.erase(key);
    } catch (const std::bad_alloc&) {
        log::warning("tcp server: no memory for another connection");
    }
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
}

void Server::sweepLater(Worker& worker) {
    const auto interval = sweepInterval(options_);
    if (worker.sweep_timer != 0 || interval.count() == 0 || worker.connections.empty()) return;
    worker.sweep_at = SteadyClock::now() + interval;
    worker.sweep_timer = worker.thread->loop().at(worker.sweep_at, [this, &worker] { sweep(worker); });
}

void Server::sweep(Worker& worker) {
    worker.sweep_timer = 0;
    const auto now = SteadyClock::now();
    const auto held_up = now - worker.sweep_at;
    std::vector<ServerConnection*> overdue;
    for (const auto& [connection, owned] : worker.connections) {
        if (held_up >= kHeldUp) connection->excuse(held_up);
        if (connection->overdue(now, options_.stall_timeout, options_.idle_timeout)) overdue.push_back(connection);
    }
    for (ServerConnection* connection : overdue) {
        connection->expire();
    }
    sweepLater(worker);
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
