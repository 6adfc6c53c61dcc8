#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/address.h"
#include "base/errors.h"
#include "engine/engine_impl.h"
#include "metadata/open_store.h"
#include "segment/protocols.h"
#include "transport/transport.h"

namespace mc {
namespace {

Result<Batch*> findBatch(const BatchTable& batches, BatchID id) {
    Batch* const batch = batches.find(id);
    if (batch == nullptr) return fail(ErrorCode::InvalidArgument, fmt::format("batch {}: not allocated, or freed", id));
    return batch;
}

}  // namespace

const char* toString(TaskStatus status) {
    switch (status) {
        case TaskStatus::WAITING:
            return "WAITING";
        case TaskStatus::PENDING:
            return "PENDING";
        case TaskStatus::INVALID:
            return "INVALID";
        case TaskStatus::CANCELED:
            return "CANCELED";
        case TaskStatus::COMPLETED:
            return "COMPLETED";
        case TaskStatus::TIMEOUT:
            return "TIMEOUT";
        case TaskStatus::FAILED:
            return "FAILED";
    }
    return "INVALID";
}

TransferEngine::TransferEngine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

TransferEngine::~TransferEngine() = default;

Result<void> TransferEngine::init(const std::string& metadata_server, const std::string& server_name,
                                  const std::string& connectable_name, std::uint16_t rpc_port) {
    if (metadata::isP2pHandshake(metadata_server)) return impl_->join(nullptr, server_name, connectable_name, rpc_port);
    auto store = metadata::openStore(metadata_server, impl_->options.metadata);
    if (!store) return std::unexpected(store.error());
    return impl_->join(std::move(*store), server_name, connectable_name, rpc_port);
}

Result<void> TransferEngine::init(std::shared_ptr<metadata::Store> store, const std::string& server_name,
                                  const std::string& connectable_name, std::uint16_t rpc_port) {
    if (!store) return fail(ErrorCode::InvalidArgument, "engine: no metadata store given");
    return impl_->join(std::move(store), server_name, connectable_name, rpc_port);
}

std::string TransferEngine::localServerName() const {
    const auto membership = impl_->membership();
    return membership ? (*membership)->name() : std::string{};
}

std::string TransferEngine::localIpAndPort() const {
    const auto membership = impl_->membership();
    return membership ? formatHostPort((*membership)->advertisedHost(), (*membership)->rpcPort()) : std::string{};
}

Result<Transport*> TransferEngine::installTransport(std::string_view protocol, std::string_view argument) {
    if (protocol != "tcp" && protocol != kNvmeofGeneric && protocol != kNvmeofLegacy) {
        return fail(ErrorCode::Unsupported, fmt::format("transport \"{}\": this build has tcp, {} and {}", protocol,
                                                        kNvmeofGeneric, kNvmeofLegacy));
    }
    if (impl_->local.find(protocol) != nullptr)
        return fail(ErrorCode::AlreadyExists, fmt::format("transport {}: installed already", protocol));
    if (protocol == kNvmeofGeneric) return impl_->installNvmeof(argument);
    if (!argument.empty())
        return fail(ErrorCode::InvalidArgument, fmt::format("transport {}: takes no argument", protocol));
    return protocol == "tcp" ? impl_->installTcp() : impl_->installLocalFiles();
}

Result<Transport*> TransferEngine::installTransport(std::unique_ptr<Transport> transport) {
    return impl_->install(std::move(transport));
}

Result<Transport*> TransferEngine::installOrGetTransport(std::string_view protocol, std::string_view argument) {
    if (Transport* const installed = impl_->local.find(protocol); installed != nullptr) return installed;
    auto installed = installTransport(protocol, argument);
    // Another thread was faster.
    if (!installed && installed.error().code == ErrorCode::AlreadyExists) {
        if (Transport* const other = impl_->local.find(protocol); other != nullptr) return other;
    }
    return installed;
}

Result<void> TransferEngine::uninstallTransport(std::string_view protocol) {
    return impl_->uninstall(protocol);
}

Result<void> TransferEngine::registerLocalMemory(void* addr, std::size_t length, std::string_view location,
                                                 bool remote_accessible) {
    const BufferEntry buffer{addr, length};
    return impl_->registerMemory({&buffer, 1}, location, remote_accessible);
}

Result<void> TransferEngine::registerLocalMemoryBatch(std::span<const BufferEntry> buffers, std::string_view location) {
    return impl_->registerMemory(buffers, location, true);
}

// Peers are told before the memory goes.
Result<void> TransferEngine::unregisterLocalMemory(void* addr) {
    return unregisterLocalMemoryBatch({&addr, 1});
}

Result<void> TransferEngine::unregisterLocalMemoryBatch(std::span<void* const> addrs) {
    const bool told = impl_->local.areHidden(addrs);
    Result<void> result;
    for (void* const addr : addrs) {
        if (auto done = impl_->local.unregisterMemory(addr); !done && result) result = std::move(done);
    }
    auto published = told ? Result<void>() : impl_->publish();
    return result ? published : result;
}

Result<void> TransferEngine::withdrawLocalMemory(std::span<void* const> addrs) {
    return impl_->withdrawMemory(addrs);
}

Result<FileBufferID> TransferEngine::registerLocalFile(const std::string& path, const LocalFileOptions& options) {
    const FileEntry file{path, options};
    const auto ids = impl_->registerFiles({&file, 1});
    if (!ids) return std::unexpected(ids.error());
    return ids->front();
}

Result<std::vector<FileBufferID>> TransferEngine::registerLocalFileBatch(std::span<const FileEntry> files) {
    return impl_->registerFiles(files);
}

Result<void> TransferEngine::unregisterLocalFile(const std::string& path) {
    return impl_->unregisterFile(path);
}

std::optional<FileService> TransferEngine::fileService() const {
    return impl_->local.fileService();
}

Result<SegmentHandle> TransferEngine::openSegment(std::string_view segment_name) {
    return impl_->open(segment_name);
}

Result<void> TransferEngine::closeSegment(SegmentHandle handle) {
    // Handles are shared by all who opened the name, and stay valid, as in the stock engine.
    if (impl_->segments.nameOf(handle).empty())
        return fail(ErrorCode::InvalidArgument, fmt::format("segment handle {}: not open", handle));
    return {};
}

Result<std::shared_ptr<const SegmentDescriptor>> TransferEngine::segmentDescriptor(SegmentHandle handle) const {
    auto segment = impl_->segments.get(handle);
    if (!segment) {
        if (auto found = impl_->lookUp(handle); !found) {
            // Others may reach what this engine itself can't, such as files that its kernel serves over RDMA.
            if (handle == kLocalSegment && found.error().code == ErrorCode::Unsupported) return impl_->ownDescriptor();
            return std::unexpected(found.error());
        }
        segment = impl_->segments.get(handle);
    }
    if (!segment) return fail(ErrorCode::NotFound, fmt::format("segment handle {}: not looked up", handle));
    return std::shared_ptr<const SegmentDescriptor>(segment, &segment->descriptor);
}

Result<PeerInfo> TransferEngine::peerInfo(SegmentHandle handle) const {
    return impl_->peerInfo(handle);
}

Result<void> TransferEngine::syncSegmentCache() {
    Result<void> result;
    for (const SegmentHandle handle : impl_->segments.handles()) {
        if (handle == kLocalSegment) continue;
        if (auto found = impl_->lookUp(handle); !found && result) result = std::move(found);
    }
    return result;
}

Result<BatchID> TransferEngine::allocateBatchID(std::size_t batch_size) {
    return impl_->allocateBatch(batch_size);
}

Result<void> TransferEngine::submitTransfer(BatchID batch, std::span<const TransferRequest> entries) {
    const auto found = findBatch(impl_->batches, batch);
    if (!found) return std::unexpected(found.error());
    const std::size_t submitted = (*found)->submitted.load(std::memory_order_relaxed);
    if (entries.size() > (*found)->capacity - submitted) {
        return fail(ErrorCode::InvalidArgument, fmt::format("batch {}: {} requests do not fit, {} of {} are taken",
                                                            batch, entries.size(), submitted, (*found)->capacity));
    }
    return impl_->submit(**found, entries);
}

Result<TransferStatus> TransferEngine::getTransferStatus(BatchID batch, std::size_t task) const {
    const auto found = findBatch(impl_->batches, batch);
    if (!found) return std::unexpected(found.error());
    if (task >= (*found)->capacity) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("batch {}: request {} of {}", batch, task, (*found)->capacity));
    }
    if (task >= (*found)->submitted.load(std::memory_order_acquire)) return TransferStatus{};
    const Task& asked = (*found)->tasks[task];
    TransferStatus status;
    status.s = asked.status.load(std::memory_order_acquire);
    status.transferred = asked.transferred.load(std::memory_order_relaxed);
    if (status.s == TaskStatus::WAITING) return status;
    status.latency = asked.completed - asked.submitted;
    status.acknowledged = status.s == TaskStatus::COMPLETED && !asked.unacknowledged.load(std::memory_order_relaxed);
    return status;
}

Result<void> TransferEngine::waitBatch(BatchID batch, std::optional<std::chrono::nanoseconds> timeout) {
    const auto found = findBatch(impl_->batches, batch);
    if (!found) return std::unexpected(found.error());
    Completion& completion = (*found)->completion;
    Deadline deadline;
    const auto now = SteadyClock::now();
    // Longer than the clock can tell is for ever.
    if (timeout && *timeout < SteadyClock::time_point::max() - now) deadline = now + *timeout;
    if ((*found)->transport != nullptr && !(*found)->several_transports) {
        (*found)->transport->await(completion, deadline);
    } else {
        completion.waitDone(deadline);
    }
    if (!completion.done())
        return fail(ErrorCode::TimedOut, fmt::format("batch {}: requests are still running", batch));
    return {};
}

Result<void> TransferEngine::freeBatchID(BatchID batch) {
    const auto found = findBatch(impl_->batches, batch);
    if (!found) return std::unexpected(found.error());
    if (!(*found)->completion.done()) {
        const std::span tasks((*found)->tasks.get(), (*found)->submitted.load(std::memory_order_acquire));
        const auto running = [](const Task& task) { return task.status.load() == TaskStatus::WAITING; };
        if (std::ranges::any_of(tasks, running))
            return fail(ErrorCode::Busy, fmt::format("batch {}: requests are still running", batch));
        (*found)->completion.waitDone(std::nullopt);  // It is told an instant after the last status.
    }
    impl_->releaseBatch(**found);
    return {};
}

Result<void> TransferEngine::sendNotification(SegmentHandle target, const Notification& notification) {
    return impl_->notify(target, notification);
}

std::vector<Notification> TransferEngine::takeNotifications() {
    return impl_->takeNotifications();
}

void TransferEngine::stopWaiting() {
    impl_->stopWaiting();
}

TransportCounters TransferEngine::counters() const {
    return impl_->local.counters();
}

std::vector<PublishedKey> TransferEngine::checkPublished() const {
    const auto membership = impl_->membership();
    return membership ? (*membership)->checkPublished() : std::vector<PublishedKey>{};
}

Result<std::vector<std::string>> TransferEngine::restorePublished() {
    return impl_->restorePublished();
}

const EngineOptions& TransferEngine::options() const {
    return impl_->options;
}

}  // namespace mc
