#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mc/engine.h"

#include "io/acceptor.h"
#include "io/loop_thread.h"
#include "transport/region_table.h"
#include "transport/tcp/server_connection.h"

namespace mc::tcp {

/// The target role: accepts connections and spreads them over its loops, one thread each.
class Server {
  public:
    /// Serves what `regions` holds to whoever connects to `listener`. `regions` must outlive the server.
    static Result<std::unique_ptr<Server>> start(FileDescriptor listener, const RegionRegistry& regions,
                                                 const TcpOptions& options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return port_; }
    /// Ends every connection with a request under way in the range, which the caller has taken out of the registry
    /// before; returns when no loop touches it any more.
    void retire(std::uint64_t addr, std::uint64_t length);
    /// Those of the target role.
    TransportCounters counters() const;

  private:
    struct Worker;
    Server(FileDescriptor listener, const TcpOptions& options);
    void accept(FileDescriptor socket);
    void serve(Worker& worker, FileDescriptor socket);
    void sweepLater(Worker& worker);
    void sweep(Worker& worker);

    TcpOptions options_;
    FileDescriptor listener_;
    std::uint16_t port_;
    std::atomic<std::uint64_t> open_connections_ = 0;
    std::atomic<std::uint64_t> refused_connections_ = 0;
    std::size_t next_worker_ = 0;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::optional<io::Acceptor> acceptor_;  // In the loop of the first.
};

}  // namespace mc::tcp
