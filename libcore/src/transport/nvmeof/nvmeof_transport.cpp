#include "transport/nvmeof/nvmeof_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/errors.h"
#include "base/text.h"
#include "base/thread.h"
#include "transport/block_loop.h"
#include "transport/nvmeof/lane.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {

Result<std::unique_ptr<NvmeofTransport>> NvmeofTransport::open(std::string_view where, FileOwner owner,
                                                               const NvmeofOptions& options,
                                                               nvme::kernel::KernelHost kernel) {
    if (options.workers < 1 || options.threads < 1 || options.queue_entries < 2) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("transport nvmeof_generic: {} workers, {} threads, {} queue entries: from 1, 1 and 2",
                                options.workers, options.threads, options.queue_entries));
    }
    std::unique_ptr<NvmeofTransport> transport(new NvmeofTransport(options, std::move(kernel)));
    if (!where.empty()) {
        auto id = parseTransportId(where);
        if (!id) return std::unexpected(id.error());
        if (auto usable = checkBackend(*id, options); !usable) {
            return std::unexpected(wrap("transport nvmeof_generic", usable.error()));
        }
        transport->files_ = std::make_unique<ServedFiles>(std::move(*id), std::move(owner), transport->options_);
    }
    if (auto started = transport->startLoops(); !started) return std::unexpected(started.error());
    return transport;
}

// More loops than CPUs take turns, and each has its own connection to every peer.
Result<void> NvmeofTransport::startLoops() {
    const int loops =
        std::min<int>(options_.workers, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
    for (int i = 0; i < loops; ++i) {
        const bool needs_blocks = options_.initiator != NvmeofInitiator::User;
        auto loop = ClientLoop::start("nvme", i, needs_blocks ? &openBlockQueue : ClientLoop::Prepare());
        if (!loop) return std::unexpected(loop.error());
        loops_.push_back(std::move(*loop));
    }
    return {};
}

TransportCounters NvmeofTransport::counters() const {
    TransportCounters total;
    if (files_) files_->count(total);
    for (const auto& loop : loops_) {
        total.bytes_read += loop->context().bytes_read.load(std::memory_order_relaxed);
        total.bytes_written += loop->context().bytes_written.load(std::memory_order_relaxed);
        total.connections += loop->context().connections.load(std::memory_order_relaxed);
    }
    const std::lock_guard lock(mutex_);
    total.connections += kernel_peers_.size();
    return total;
}

Result<void> NvmeofTransport::registerMemory(void* /*addr*/, std::size_t /*length*/, std::string_view /*location*/,
                                             bool /*remote_accessible*/) {
    return {};
}

Result<void> NvmeofTransport::unregisterMemory(void* /*addr*/) {
    return {};
}

Result<void> NvmeofTransport::registerFiles(std::span<const FileEntry> files) {
    if (files.empty()) return {};
    if (!files_) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("file {}: transport nvmeof_generic has no trid, the address to serve it at",
                                files.front().path),
                    "install it with one: trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420");
    }
    return files_->add(files);
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

// Other transports than TCP only the kernel has.
bool NvmeofTransport::needsKernel(const RemoteTarget& target) const {
    return options_.initiator == NvmeofInitiator::Kernel ||
           (options_.initiator == NvmeofInitiator::Auto && target.transport != "tcp");
}

Result<RemoteTarget> NvmeofTransport::locate(const SegmentDescriptor& descriptor) const {
    const std::string segment = fmt::format("segment {}", descriptor.name);
    if (!descriptor.nvme_trid) {
        return fail(ErrorCode::BadData, fmt::format("{}: nvmeof_generic_trid: missing", segment));
    }
    RemoteTarget target{.addresses = {},
                        .subsystem_nqn = descriptor.nvme_trid->subnqn,
                        .transport = toLower(descriptor.nvme_trid->trtype),
                        .files = {}};
    auto addresses = needsKernel(target) ? ipAddresses(*descriptor.nvme_trid) : socketAddresses(*descriptor.nvme_trid);
    if (!addresses) {
        Error error = wrap(fmt::format("{}: nvmeof_generic_trid", segment), addresses.error());
        if (error.code == ErrorCode::Unsupported) error.hint = "the kernel may have it: --initiator=kernel";
        return std::unexpected(error);
    }
    if (addresses->front().port() == 0 || descriptor.nvme_trid->subnqn.empty()) {
        return fail(ErrorCode::BadData,
                    fmt::format("{}: nvmeof_generic_trid: trsvcid {}, subnqn \"{}\"", segment,
                                printable(descriptor.nvme_trid->trsvcid), printable(descriptor.nvme_trid->subnqn)));
    }
    target.addresses = std::move(*addresses);
    for (const FileBuffer& file : descriptor.file_buffers) {
        if (file.size > 0) target.files.push_back(file);
    }
    std::ranges::sort(target.files, {}, &FileBuffer::id);
    return target;
}

Result<std::unique_ptr<Peer>> NvmeofTransport::connect(const std::string& /*host*/,
                                                       const SegmentDescriptor& descriptor) {
    auto target = locate(descriptor);
    if (!target) return std::unexpected(target.error());
    if (needsKernel(*target)) return connectKernel(std::move(*target));
    return std::make_unique<NvmeofPeer>(std::move(*target), loops_.size(), options_);
}

Result<std::unique_ptr<Peer>> NvmeofTransport::connectKernel(RemoteTarget target) {
    const std::string transport = target.transport;
    auto peer = KernelPeer::open(
        {.loops = loops_.size(),
         .host = kernel_,
         .options = options_,
         .queue_of = [this](const LaneContext& context) -> io::BlockQueue& { return blockQueueOf(loops_, context); }},
        std::move(target));
    if (!peer) {
        Error error = peer.error();
        const bool lacking = !kernel_.checkRequirements(transport);
        if (lacking && transport == "tcp") error.hint += "; or go without the kernel: --initiator=user";
        return std::unexpected(error);
    }
    const std::lock_guard lock(mutex_);
    kernel_peers_.push_back(peer->get());
    return peer;
}

Result<void> NvmeofTransport::update(Peer& peer, const std::string& /*host*/, const SegmentDescriptor& descriptor) {
    auto target = locate(descriptor);
    if (!target) return std::unexpected(target.error());
    return static_cast<RemotePeer&>(peer).follow(std::move(*target));
}

PeerInfo NvmeofTransport::inspect(const Peer& peer) const {
    return static_cast<const RemotePeer&>(peer).inspect();
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
    {
        // First: the kernel may hold requests back until they can reach the target, and lanes wait for their end.
        const std::lock_guard lock(mutex_);
        for (KernelPeer* const peer : kernel_peers_) {
            peer->letGo();
        }
        kernel_peers_.clear();
    }
    for (const auto& loop : loops_) {
        loop->shutDown();
    }
}

}  // namespace mc::nvmeof
