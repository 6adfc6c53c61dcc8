#pragma once

#include <memory>
#include <vector>

#include "mc/engine_options.h"

#include "base/fd.h"
#include "transport/client_loop.h"
#include "transport/region_table.h"
#include "transport/tcp/lane.h"
#include "transport/tcp/server.h"
#include "transport/transport.h"

namespace mc::tcp {

/// Mooncake's tcp protocol, versions 1 and 2, in both roles.
class TcpTransport final : public Transport {
  public:
    /// Serves on `listener`, under `server_name`.
    static Result<std::unique_ptr<TcpTransport>> open(FileDescriptor listener, std::string server_name, bool ipv6_first,
                                                      const TcpOptions& options);
    ~TcpTransport() override;

    std::uint16_t dataPort() const { return server_->port(); }

    std::string_view protocol() const override { return "tcp"; }
    TransportCapabilities capabilities() const override { return {}; }
    TransportCounters counters() const override;
    Result<void> registerMemory(void* addr, std::size_t length, std::string_view location,
                                bool remote_accessible) override;
    Result<void> unregisterMemory(void* addr) override;
    void describe(SegmentDescriptor& descriptor) const override;
    Result<std::unique_ptr<Peer>> connect(const std::string& host, const SegmentDescriptor& descriptor) override;
    Result<void> update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) override;
    PeerInfo inspect(const Peer& peer) const override;
    void submit(std::span<Slice> slices) override;
    void await(Completion& completion, Deadline deadline) override;
    void shutDown() override;

  private:
    TcpTransport(std::string server_name, bool ipv6_first, const TcpOptions& options)
        : options_(options), server_name_(std::move(server_name)), ipv6_first_(ipv6_first) {}

    Result<Target> locate(const std::string& host, const SegmentDescriptor& descriptor) const;

    const TcpOptions options_;
    const std::string server_name_;
    const bool ipv6_first_;
    RegionRegistry regions_;  // Before the server that reads it.
    std::unique_ptr<Server> server_;
    std::vector<std::unique_ptr<ClientLoop>> loops_;
};

}  // namespace mc::tcp
