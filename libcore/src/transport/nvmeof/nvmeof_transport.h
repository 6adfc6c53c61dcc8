#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mc/engine_options.h"

#include "nvme/kernel/host/kernel_host.h"
#include "transport/client_loop.h"
#include "transport/nvmeof/kernel_peer.h"
#include "transport/nvmeof/served_files.h"
#include "transport/transport.h"

namespace mc::nvmeof {

/// Mooncake's nvmeof_generic protocol in both roles: files are namespaces of an NVMe-oF subsystem. They are served
/// without the kernel's help, and reached without or with it. One request is one command, unless it is larger than the
/// controller takes.
class NvmeofTransport final : public Transport {
  public:
    /// `where`: the address to serve files at, as parseTransportId reads it; empty: none are served.
    static Result<std::unique_ptr<NvmeofTransport>> open(std::string_view where, FileOwner owner,
                                                         const NvmeofOptions& options,
                                                         nvme::kernel::KernelHost kernel = nvme::kernel::KernelHost());

    std::string_view protocol() const override { return "nvmeof_generic"; }
    bool canServe() const override { return files_ != nullptr; }
    TransportCapabilities capabilities() const override { return {.flushes = true}; }
    TransportCounters counters() const override;
    /// Any memory will do.
    Result<void> registerMemory(void* addr, std::size_t length, std::string_view location,
                                bool remote_accessible) override;
    Result<void> unregisterMemory(void* addr) override;
    Result<void> registerFiles(std::span<const FileEntry> files) override;
    Result<void> unregisterFile(FileBufferID id) override;
    std::optional<FileService> fileService() const override;
    void describe(SegmentDescriptor& descriptor) const override;
    /// Where the kernel's host is used, it connects now.
    Result<std::unique_ptr<Peer>> connect(const std::string& host, const SegmentDescriptor& descriptor) override;
    Result<void> update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) override;
    PeerInfo inspect(const Peer& peer) const override;
    void submit(std::span<Slice> slices) override;
    void await(Completion& completion, Deadline deadline) override;
    void shutDown() override;

  private:
    NvmeofTransport(const NvmeofOptions& options, nvme::kernel::KernelHost kernel)
        : options_(options), kernel_(std::move(kernel)) {}

    Result<void> startLoops();
    Result<RemoteTarget> locate(const SegmentDescriptor& descriptor) const;
    bool needsKernel(const RemoteTarget& target) const;
    Result<std::unique_ptr<Peer>> connectKernel(RemoteTarget target);

    const NvmeofOptions options_;
    const nvme::kernel::KernelHost kernel_;
    std::unique_ptr<ServedFiles> files_;  // None: initiator only.
    std::vector<std::unique_ptr<ClientLoop>> loops_;
    mutable std::mutex mutex_;
    std::vector<KernelPeer*> kernel_peers_;  // Guarded by mutex_.
};

}  // namespace mc::nvmeof
