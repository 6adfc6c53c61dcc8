#include "nvme/target/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::nvme {
namespace {

constexpr std::chrono::milliseconds kPeersTime{2000};  // To take or to send what a removed namespace waits for.

std::chrono::milliseconds left(SteadyClock::time_point deadline) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    return std::max(time, std::chrono::milliseconds(0));
}

}  // namespace

struct Server::LoopWorker {
    std::unique_ptr<io::LoopThread> thread;
    std::unique_ptr<Worker> worker;  // Comes and goes in the loop's thread.
};

// Something that all loops are to do, each in its own time.
struct Server::Question {
    std::function<void(Worker&)> task;
    std::atomic<std::size_t> loops;
    std::promise<void> answered;

    void loopHasAnswered() {
        if (--loops == 0) answered.set_value();
    }
};

// A namespace that goes: stays for those loops that still use it, whoever waits for that.
struct Server::Drain {
    std::shared_ptr<Namespace> target;
    std::atomic<std::size_t> loops;
    std::promise<void> idle;

    void loopIsIdle() {
        if (--loops == 0) idle.set_value();
    }
};

Server::Server(FileDescriptor listener, const TargetOptions& options)
    : options_(options),
      listener_(std::move(listener)),
      port_(io::localAddress(listener_).port()),
      registry_(options_, static_cast<std::size_t>(std::max(1, options.threads))) {
    registry_.onControllerLost([this](const std::shared_ptr<Controller>& lost) { endQueues(lost); });
}

Result<std::unique_ptr<Server>> Server::start(FileDescriptor listener, const TargetOptions& options) {
    io::tuneListener(listener, options.congestion);
    std::unique_ptr<Server> server(new Server(std::move(listener), options));
    if (auto started = server->startWorkers(); !started) return std::unexpected(started.error());
    return server;
}

Result<void> Server::startAccepting() {
    Result<void> accepts;
    auto& first = *workers_.front()->thread;
    acceptor_.emplace(first.loop(), listener_, [this](FileDescriptor socket) { accept(std::move(socket)); });
    first.run([&] { accepts = acceptor_->start(); });
    return accepts;
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
    if (acceptor_) first.run([&] { acceptor_->stop(); });
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

void Server::accept(FileDescriptor socket) {
    const bool full = isFull();
    io::tuneAccepted(socket, options_.congestion);
    LoopWorker& loop = *workers_[next_worker_++ % workers_.size()];
    const auto serve = [this, &loop, full](FileDescriptor offered) {
        // Counted before it closes: whoever sees the end finds it counted.
        if (!loop.worker->serve(std::move(offered), full)) refused_connections_.fetch_add(1, std::memory_order_relaxed);
    };
    if (&loop == workers_.front().get()) return serve(std::move(socket));
    loop.thread->loop().post([serve, taken = std::move(socket)]() mutable { serve(std::move(taken)); });
}

bool Server::isFull() {
    const bool full = openConnections() >= options_.max_connections;
    if (full && !full_) {
        log::warning("{}: {} connections, as many as are allowed: others replace those that are not queues yet",
                     io::localAddress(listener_).toString(), options_.max_connections);
    }
    full_ = full;
    return full;
}

// Called by the loop that has lost the admin queue; the others do it in their own time.
void Server::endQueues(const std::shared_ptr<Controller>& controller) {
    for (const auto& loop : workers_) {
        loop->thread->loop().post([worker = loop->worker.get(), controller] {
            worker->closeIf([&](const Connection& connection) { return connection.controller() == controller; });
        });
    }
}

bool Server::inEachLoop(std::function<void(Worker&)> task, std::chrono::milliseconds timeout) {
    const auto question = std::make_shared<Question>(std::move(task), workers_.size());
    auto answered = question->answered.get_future();
    for (const auto& loop : workers_) {
        loop->thread->loop().post([question, worker = loop->worker.get()] {
            question->task(*worker);
            question->loopHasAnswered();
        });
    }
    return answered.wait_for(timeout) == std::future_status::ready;
}

Result<void> Server::drain(const std::shared_ptr<Namespace>& target) {
    const auto drain = std::make_shared<Drain>(target, workers_.size());
    auto idle = drain->idle.get_future();
    const auto deadline = SteadyClock::now() + options_.removal_timeout;
    const auto watch = [drain](Worker& worker) {
        // In a task of its own, since it may be the last that the namespace lives for, which is calling.
        drain->target->whenIdle(worker.index(),
                                [&loop = worker.loop(), drain] { loop.post([drain] { drain->loopIsIdle(); }); });
    };
    inEachLoop(watch, std::chrono::milliseconds(0));
    // More than once: what a device had so far may have become the peer's turn.
    while (idle.wait_until(std::min(deadline, SteadyClock::now() + kPeersTime)) != std::future_status::ready) {
        inEachLoop(
            [target](Worker& worker) {
                worker.closeIf([&](Connection& connection) { return connection.holds(*target); });
            },
            left(deadline));
        if (SteadyClock::now() < deadline) continue;
        return fail(
            ErrorCode::TimedOut,
            fmt::format("{}: has not answered for {} ms", target->device().name(), options_.removal_timeout.count()),
            "hosts can't reach it any more; it is given up when it answers");
    }
    return {};
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
