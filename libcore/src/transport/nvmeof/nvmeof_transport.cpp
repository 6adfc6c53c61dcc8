#include "transport/nvmeof/nvmeof_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/errors.h"
#include "base/text.h"
#include "base/thread.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {

Result<std::unique_ptr<NvmeofTransport>> NvmeofTransport::open(std::string_view where, std::string server_name,
                                                               const NvmeofOptions& options) {
    if (options.workers < 1 || options.threads < 1 || options.queue_entries < 2) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("transport nvmeof_generic: {} workers, {} threads, {} queue entries: from 1, 1 and 2",
                                options.workers, options.threads, options.queue_entries));
    }
    std::unique_ptr<NvmeofTransport> transport(new NvmeofTransport(options));
    if (!where.empty()) {
        auto id = parseTransportId(where);
        if (!id) return std::unexpected(id.error());
        if (auto usable = socketAddresses(*id); !usable) {
            return std::unexpected(wrap("transport nvmeof_generic", usable.error()));
        }
        transport->files_ = std::make_unique<ServedFiles>(std::move(*id), std::move(server_name), transport->options_);
    }
    // More loops than CPUs take turns, and each has its own connection to every peer.
    const int loops =
        std::min<int>(options.workers, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
    for (int i = 0; i < loops; ++i) {
        auto loop = ClientLoop::start("nvme", i);
        if (!loop) return std::unexpected(loop.error());
        transport->loops_.push_back(std::move(*loop));
    }
    return transport;
}

TransportCounters NvmeofTransport::counters() const {
    TransportCounters total;
    if (files_) files_->count(total);
    for (const auto& loop : loops_) {
        total.bytes_read += loop->context().bytes_read.load(std::memory_order_relaxed);
        total.bytes_written += loop->context().bytes_written.load(std::memory_order_relaxed);
        total.connections += loop->context().connections.load(std::memory_order_relaxed);
    }
    return total;
}

Result<void> NvmeofTransport::registerMemory(void* /*addr*/, std::size_t /*length*/, std::string_view /*location*/,
                                             bool /*remote_accessible*/) {
    return {};
}

Result<void> NvmeofTransport::unregisterMemory(void* /*addr*/) {
    return {};
}

Result<void> NvmeofTransport::registerFile(FileBufferID id, const std::string& path, const LocalFileOptions& options) {
    if (!files_) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("file {}: transport nvmeof_generic has no trid, the address to serve it at", path),
                    "install it with one: trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420");
    }
    return files_->add(id, path, options);
}

Result<void> NvmeofTransport::unregisterFile(FileBufferID id) {
    if (!files_) return Transport::unregisterFile(id);
    return files_->remove(id);
}

std::optional<FileService> NvmeofTransport::fileService() const {
    return files_ ? files_->service() : std::nullopt;
}

void NvmeofTransport::describe(SegmentDescriptor& descriptor) const {
    if (files_) files_->describe(descriptor);
}

Result<RemoteTarget> NvmeofTransport::locate(const SegmentDescriptor& descriptor) {
    const std::string segment = fmt::format("segment {}", descriptor.name);
    if (!descriptor.nvme_trid) {
        return fail(ErrorCode::BadData, fmt::format("{}: nvmeof_generic_trid: missing", segment));
    }
    auto addresses = socketAddresses(*descriptor.nvme_trid);
    if (!addresses) return std::unexpected(wrap(fmt::format("{}: nvmeof_generic_trid", segment), addresses.error()));
    if (addresses->front().port() == 0 || descriptor.nvme_trid->subnqn.empty()) {
        return fail(ErrorCode::BadData,
                    fmt::format("{}: nvmeof_generic_trid: trsvcid {}, subnqn \"{}\"", segment,
                                printable(descriptor.nvme_trid->trsvcid), printable(descriptor.nvme_trid->subnqn)));
    }
    return RemoteTarget{.addresses = std::move(*addresses), .subsystem_nqn = descriptor.nvme_trid->subnqn};
}

Result<std::unique_ptr<Peer>> NvmeofTransport::connect(const std::string& /*host*/,
                                                       const SegmentDescriptor& descriptor) {
    auto target = locate(descriptor);
    if (!target) return std::unexpected(target.error());
    return std::make_unique<NvmeofPeer>(std::move(*target), loops_.size(), options_);
}

Result<void> NvmeofTransport::update(Peer& peer, const std::string& /*host*/, const SegmentDescriptor& descriptor) {
    auto target = locate(descriptor);
    if (!target) return std::unexpected(target.error());
    static_cast<NvmeofPeer&>(peer).target.set(std::move(*target));
    return {};
}

PeerInfo NvmeofTransport::inspect(const Peer& peer) const {
    return static_cast<const NvmeofPeer&>(peer).target.shown();
}

void NvmeofTransport::submit(std::span<Slice> slices) {
    if (slices.empty()) return;
    const std::size_t loop = threadNumber() % loops_.size();
    // All slices of a call are of one batch.
    slices.front().task->batch->visit(static_cast<int>(loop));
    loops_[loop]->submit(slices);
}

void NvmeofTransport::await(Completion& completion, Deadline deadline) {
    if (const int home = completion.home(); home >= 0) {
        loops_[static_cast<std::size_t>(home)]->await(completion, deadline);
        return;
    }
    completion.waitDone(deadline);
}

void NvmeofTransport::shutDown() {
    for (const auto& loop : loops_) {
        loop->shutDown();
    }
}

}  // namespace mc::nvmeof
