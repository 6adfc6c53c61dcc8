#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "transport/client_loop.h"
#include "transport/local_files/file_chain.h"
#include "transport/local_files/lane.h"
#include "transport/transport.h"

namespace mc::localfiles {

/// Mooncake's older nvmeof protocol, as initiator: segments of files that this machine has mounted, by whatever means,
/// and reaches by their local paths. A file is written through the page cache.
class LocalFilesTransport final : public Transport {
  public:
    /// `server_name`: under which this machine's mounts are noted in descriptors.
    static Result<std::unique_ptr<LocalFilesTransport>> open(std::string server_name, int workers);

    std::string_view protocol() const override { return "nvmeof"; }
    bool canServe() const override { return false; }
    TransportCapabilities capabilities() const override { return {.flushes = true}; }
    TransportCounters counters() const override;
    /// Any memory will do.
    Result<void> registerMemory(void* addr, std::size_t length, std::string_view location,
                                bool remote_accessible) override;
    Result<void> unregisterMemory(void* addr) override;
    void describe(SegmentDescriptor& /*descriptor*/) const override {}
    /// Opens the files.
    Result<std::unique_ptr<Peer>> connect(const std::string& host, const SegmentDescriptor& descriptor) override;
    Result<void> update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) override;
    PeerInfo inspect(const Peer& peer) const override;
    void submit(std::span<Slice> slices) override;
    void await(Completion& completion, Deadline deadline) override;
    void shutDown() override;

  private:
    class FilesPeer;
    LocalFilesTransport(std::string server_name, std::vector<std::unique_ptr<ClientLoop>> loops)
        : server_name_(std::move(server_name)), loops_(std::move(loops)) {}

    const std::string server_name_;
    std::vector<std::unique_ptr<ClientLoop>> loops_;  // Each with a BlockQueue.
};

}  // namespace mc::localfiles
