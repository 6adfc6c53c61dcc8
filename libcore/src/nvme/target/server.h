#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "io/acceptor.h"
#include "io/loop_thread.h"
#include "nvme/target/registry.h"
#include "nvme/target/worker.h"

namespace mc::nvme {

/// Accepts connections and spreads them over its loops, one thread each; tells all loops what concerns all.
class Server {
  public:
    /// Connections wait until startAccepting.
    static Result<std::unique_ptr<Server>> start(FileDescriptor listener, const TargetOptions& options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Called once.
    Result<void> startAccepting();

    std::uint16_t port() const { return port_; }
    const TargetOptions& options() const { return options_; }
    Registry& registry() { return registry_; }
    std::size_t loops() const { return workers_.size(); }
    TargetCounters counters() const;

    /// Carries out `task(Worker&)` in every loop, in all at once, and waits for that. False after `timeout`: something
    /// holds a loop up, such as a disk; it does it later, so that the task has to own what it needs.
    bool inEachLoop(std::function<void(Worker&)> task, std::chrono::milliseconds timeout);
    /// Returns when no command runs on the namespace, which new ones can't find any more, or the device has not
    /// answered for too long (TimedOut). Connections on which one waits for a peer too long are ended.
    Result<void> drain(const std::shared_ptr<Namespace>& target);

  private:
    struct LoopWorker;
    struct Question;
    struct Drain;
    Server(FileDescriptor listener, const TargetOptions& options);
    Result<void> startWorkers();
    void accept(FileDescriptor socket);
    bool isFull();
    void endQueues(const std::shared_ptr<Controller>& controller);
    std::uint64_t openConnections() const;

    TargetOptions options_;
    FileDescriptor listener_;
    std::uint16_t port_;
    Registry registry_;
    std::atomic<std::uint64_t> refused_connections_ = 0;
    std::size_t next_worker_ = 0;
    bool full_ = false;  // Told once, until a host could be accepted again.
    std::vector<std::unique_ptr<LoopWorker>> workers_;
    std::optional<io::Acceptor> acceptor_;  // In the loop of the first.
};

}  // namespace mc::nvme
