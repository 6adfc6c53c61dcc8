#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "io/loop_thread.h"
#include "nvme/target/registry.h"
#include "nvme/target/worker.h"

namespace mc::nvme {

/// Accepts connections and spreads them over its loops, one thread each; tells all loops what concerns all.
class Server {
  public:
    static Result<std::unique_ptr<Server>> start(FileDescriptor listener, const TargetOptions& options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return port_; }
    const TargetOptions& options() const { return options_; }
    Registry& registry() { return registry_; }
    std::size_t loops() const { return workers_.size(); }
    TargetCounters counters() const;

    /// Carries out `task(Worker&)` in every loop, one after the other, and waits for it.
    void inEachLoop(const std::function<void(Worker&)>& task);
    /// Returns when no command runs on the namespace, which new ones can't find any more. Connections on which one
    /// waits for a peer too long are ended.
    void drain(const std::shared_ptr<Namespace>& target);

  private:
    struct LoopWorker;
    class Acceptor;
    Server(FileDescriptor listener, const TargetOptions& options);
    Result<void> startWorkers();
    void acceptWaiting();
    void pauseAccepting(const Error& cause);
    void endQueues(const std::shared_ptr<Controller>& controller);
    std::uint64_t openConnections() const;

    TargetOptions options_;
    FileDescriptor listener_;
    std::uint16_t port_;
    Registry registry_;
    std::atomic<std::uint64_t> refused_connections_ = 0;
    std::size_t next_worker_ = 0;
    bool short_of_descriptors_ = false;  // Told once, until a host could be accepted again.
    std::unique_ptr<Acceptor> acceptor_;
    std::vector<std::unique_ptr<LoopWorker>> workers_;
};

}  // namespace mc::nvme
