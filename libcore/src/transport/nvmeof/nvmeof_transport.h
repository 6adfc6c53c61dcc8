#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mc/engine_options.h"

#include "transport/client_loop.h"
#include "transport/nvmeof/lane.h"
#include "transport/nvmeof/served_files.h"
#include "transport/transport.h"

namespace mc::nvmeof {

/// Mooncake's nvmeof_generic protocol in both roles, without the kernel's help: files are namespaces of an NVMe/TCP
/// subsystem. One request is one command, unless it is larger than the controller takes.
class NvmeofTransport final : public Transport {
  public:
    /// `where`: the address to serve files at, as parseTransportId reads it; empty: none are served.
    static Result<std::unique_ptr<NvmeofTransport>> open(std::string_view where, std::string server_name,
                                                         const NvmeofOptions& options);

    std::string_view protocol() const override { return "nvmeof_generic"; }
    bool canServe() const override { return files_ != nullptr; }
    TransportCapabilities capabilities() const override { return {}; }
    TransportCounters counters() const override;
    /// Any memory will do.
    Result<void> registerMemory(void* addr, std::size_t length, std::string_view location,
                                bool remote_accessible) override;
    Result<void> unregisterMemory(void* addr) override;
    Result<void> registerFile(FileBufferID id, const std::string& path, const LocalFileOptions& options) override;
    Result<void> unregisterFile(FileBufferID id) override;
    std::optional<FileService> fileService() const override;
    void describe(SegmentDescriptor& descriptor) const override;
    Result<std::unique_ptr<Peer>> connect(const std::string& host, const SegmentDescriptor& descriptor) override;
    Result<void> update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) override;
    PeerInfo inspect(const Peer& peer) const override;
    void submit(std::span<Slice> slices) override;
    void await(Completion& completion, Deadline deadline) override;
    void shutDown() override;

  private:
    explicit NvmeofTransport(const NvmeofOptions& options) : options_(options) {}

    static Result<RemoteTarget> locate(const SegmentDescriptor& descriptor);

    const NvmeofOptions options_;
    std::unique_ptr<ServedFiles> files_;  // None: initiator only.
    std::vector<std::unique_ptr<ClientLoop>> loops_;
};

}  // namespace mc::nvmeof
