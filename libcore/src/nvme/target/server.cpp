#include "nvme/target/server.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/log.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::nvme {
namespace {

constexpr int kAcceptsPerEvent = 64;  // Then the hosts that are there have their turn.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kPeersTime{2000};  // To take or to send what a removed namespace waits for.

}  // namespace

struct Server::LoopWorker {
    std::unique_ptr<io::LoopThread> thread;
    std::unique_ptr<Worker> worker;  // Comes and goes in the loop's thread.
};

class Server::Acceptor final : public io::EventHandler {
  public:
    explicit Acceptor(Server& server) : server_(server) {}
    void onEvents(std::uint32_t /*events*/) override { server_.acceptWaiting(); }

  private:
    Server& server_;
};

Server::Server(FileDescriptor listener, const TargetOptions& options)
    : options_(options),
      listener_(std::move(listener)),
      port_(io::localAddress(listener_).port()),
      registry_(options_, static_cast<std::size_t>(std::max(1, options.threads))),
      acceptor_(std::make_unique<Acceptor>(*this)) {
    registry_.onControllerLost([this](const std::shared_ptr<Controller>& lost) { endQueues(lost); });
}

Result<std::unique_ptr<Server>> Server::start(FileDescriptor listener, const TargetOptions& options) {
    std::unique_ptr<Server> server(new Server(std::move(listener), options));
    if (auto started = server->startWorkers(); !started) return std::unexpected(started.error());
    Result<void> added;
    auto& first = *server->workers_.front()->thread;
    first.run([&] { added = first.loop().add(server->listener_.get(), EPOLLIN, *server->acceptor_); });
    if (!added) return std::unexpected(added.error());
    return server;
}

Result<void> Server::startWorkers() {
    for (int i = 0; i < std::max(1, options_.threads); ++i) {
        auto thread = io::LoopThread::start(fmt::format("mc-nvme{}", i));
        if (!thread) return std::unexpected(thread.error());
        auto added = std::make_unique<LoopWorker>();
        added->thread = std::move(*thread);
        added->worker = std::make_unique<Worker>(added->thread->loop(), workers_.size(), registry_, options_);
        Result<void> opened;
        added->thread->run([&] {
            opened = added->worker->open();
            if (!opened) added->worker.reset();
        });
        if (!opened) return opened;
        workers_.push_back(std::move(added));
    }
    return {};
}

Server::~Server() {
    if (workers_.empty()) return;
    auto& first = *workers_.front()->thread;
    first.run([&] { first.loop().remove(listener_.get()); });
    for (const auto& loop : workers_) {
        std::promise<void> idle;
        loop->thread->run([&] { loop->worker->shutDown([&idle] { idle.set_value(); }); });
        idle.get_future().wait();
    }
    // The last words of one loop may have been for another.
    for (const auto& loop : workers_) {
        loop->thread->run([&] { loop->worker.reset(); });
    }
}

void Server::acceptWaiting() {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
        auto socket = io::acceptFrom(listener_);
        if (!socket) return pauseAccepting(socket.error());
        if (!*socket) return;
        short_of_descriptors_ = false;
        if (openConnections() >= options_.max_connections) {
            refused_connections_.fetch_add(1, std::memory_order_relaxed);
            continue;  // Closes it.
        }
        io::tuneConnection(*socket, options_.congestion);
        LoopWorker& loop = *workers_[next_worker_++ % workers_.size()];
        if (&loop == workers_.front().get()) {
            loop.worker->serve(std::move(*socket));
        } else {
            loop.thread->loop().post(
                [&loop, taken = std::move(*socket)]() mutable { loop.worker->serve(std::move(taken)); });
        }
    }
}

// Out of descriptors or memory: the queue is left alone for a moment instead of spinning on it.
void Server::pauseAccepting(const Error& cause) {
    if (!std::exchange(short_of_descriptors_, true)) {
        log::warning("{}: {}", io::localAddress(listener_).toString(), cause.message);
        if (!cause.hint.empty()) log::warning("hint: {}", cause.hint);
    }
    auto& loop = workers_.front()->thread->loop();
    loop.modify(listener_.get(), 0);
    loop.at(SteadyClock::now() + kAcceptPause, [this, &loop] { loop.modify(listener_.get(), EPOLLIN); });
}

// Called by the loop that has lost the admin queue; the others do it in their own time.
void Server::endQueues(const std::shared_ptr<Controller>& controller) {
    for (const auto& loop : workers_) {
        loop->thread->loop().post([worker = loop->worker.get(), controller] {
            worker->closeIf([&](const Connection& connection) { return connection.controller() == controller; });
        });
    }
}

void Server::inEachLoop(const std::function<void(Worker&)>& task) {
    for (const auto& loop : workers_) {
        loop->thread->run([&] { task(*loop->worker); });
    }
}

void Server::drain(const std::shared_ptr<Namespace>& target) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        auto& loop = *workers_[i];
        std::promise<void> idle;
        auto drained = idle.get_future();
        loop.thread->run([&] { target->whenIdle(i, [&idle] { idle.set_value(); }); });
        // More than once: what a device had so far may have become the peer's turn.
        while (drained.wait_for(kPeersTime) != std::future_status::ready) {
            loop.thread->run(
                [&] { loop.worker->closeIf([&](Connection& connection) { return connection.holds(*target); }); });
        }
    }
}

std::uint64_t Server::openConnections() const {
    std::uint64_t open = 0;
    for (const auto& loop : workers_) {
        open += loop->worker->counters.connections.load(std::memory_order_relaxed);
    }
    return open;
}

TargetCounters Server::counters() const {
    TargetCounters total;
    for (const auto& loop : workers_) {
        const auto& counters = loop->worker->counters;
        total.bytes_read += counters.bytes_read.load(std::memory_order_relaxed);
        total.bytes_written += counters.bytes_written.load(std::memory_order_relaxed);
        total.commands += counters.commands.load(std::memory_order_relaxed);
        total.failed_commands += counters.failed_commands.load(std::memory_order_relaxed);
        total.protocol_errors += counters.protocol_errors.load(std::memory_order_relaxed);
    }
    total.connections = openConnections();
    total.connections_refused = refused_connections_.load(std::memory_order_relaxed);
    return total;
}

}  // namespace mc::nvme
