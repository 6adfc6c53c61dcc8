#include "engine/engine_impl.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "base/errors.h"
#include "base/log.h"
#include "engine/engine_options.h"
#include "io/socket.h"
#include "nvme/host/controller.h"
#include "segment/protocols.h"
#include "transport/local_files/local_files_transport.h"
#include "transport/nvmeof/nvmeof_transport.h"
#include "transport/tcp/tcp_transport.h"

namespace mc {
namespace {

// Of all notifications that nobody has taken yet.
constexpr std::size_t kMaxNotificationBytes = std::size_t{16} << 20;

// What files are recognised by after a restart: by a name that nobody else has, else by the subsystem that they were
// put into by name, else by this machine. An address won't do: its port may be another one next time.
std::string identityOfFiles(const Membership& joined, const NvmeofOptions& options) {
    if (joined.hasClaimedName()) return joined.name();
    if (!options.nqn.empty()) return options.nqn;
    return nvme::hostNqn().value_or(joined.advertisedHost());
}

// 0 for a descriptor whose sum is a lie.
std::uint64_t lengthOf(const std::vector<LegacyFile>& files) {
    std::uint64_t total = 0;
    for (const LegacyFile& file : files) {
        if (__builtin_add_overflow(total, file.length, &total)) return 0;
    }
    return total;
}

}  // namespace

TransferEngine::Impl::Impl(EngineOptions engine_options)
    : options(std::move(engine_options)),
      batches(local.memory()),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

TransferEngine::Impl::~Impl() {
    metrics_.reset();
    joined_.store(nullptr);
    membership_.reset();  // Withdrawn before it stops serving.
    for (Transport* transport : local.transports()) {
        transport->shutDown();
    }
    peers_.clear();
}

void TransferEngine::Impl::stopWaiting() const {
    static_cast<void>(::eventfd_write(interrupt_.get(), 1));
}

Result<Membership*> TransferEngine::Impl::membership() const {
    Membership* const joined = joined_.load(std::memory_order_acquire);
    if (joined == nullptr) return fail(ErrorCode::InvalidArgument, "engine: init has not been called");
    return joined;
}

Result<void> TransferEngine::Impl::join(std::shared_ptr<metadata::Store> store, const std::string& server_name,
                                        const std::string& connectable_name, std::uint16_t rpc_port) {
    const std::lock_guard lock(join_mutex_);
    if (auto checked = checkEngineOptions(options); !checked) return checked;
    if (membership_)
        return fail(ErrorCode::Busy, fmt::format("engine {}: init was called before", membership_->name()));
    const auto level = options.verbose ? log::Level::Debug : log::parseLevel(options.log_level);
    if (!level) return std::unexpected(level.error());
    log::setLevel(*level);

    Membership::Callbacks callbacks;
    callbacks.describe = [this] {
        Membership* const joined = joined_.load(std::memory_order_acquire);
        if (joined == nullptr) return SegmentDescriptor{};
        auto all = local.describe(joined->name());
        return all.empty() ? SegmentDescriptor{} : std::move(all.front());
    };
    callbacks.on_notification = [this](Notification notification) { return keep(std::move(notification)); };
    callbacks.interrupt = interrupt_.get();
    auto joined =
        Membership::join(std::move(store), server_name, connectable_name, rpc_port, options, std::move(callbacks));
    if (!joined) return std::unexpected(joined.error());
    {
        // Joined once all is published; until then an error leaves nothing behind, and the next try may have
        // another name.
        const std::lock_guard publish_lock(publish_mutex_);
        if (auto published = (*joined)->publish(local.describe((*joined)->name())); !published) return published;
        const auto own = segments.handleOf((*joined)->name());
        if (!own) return std::unexpected(own.error());
        membership_ = std::move(*joined);
        joined_.store(membership_.get(), std::memory_order_release);
    }
    log::debug("engine {}: handshakes at {}", membership_->name(), membership_->boundAddress().toString());
    if (options.metrics) metrics_ = std::make_unique<Metrics>(local, options.metrics_interval);
    return {};
}

Result<Transport*> TransferEngine::Impl::installTcp() {
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    io::SocketAddress address = (*joined)->boundAddress();
    address.setPort(options.tcp.data_port);
    constexpr int kBacklog = 1024;
    auto listener = options.tcp.data_port != 0 ? io::listenOn(address, kBacklog, "--tcp-data-port")
                                               : io::listenInRange(address, options.port_range, kBacklog);
    if (!listener) return std::unexpected(wrap("tcp data port", listener.error()));
    auto transport = tcp::TcpTransport::open(std::move(*listener), (*joined)->name(), options.use_ipv6, options.tcp);
    if (!transport) return std::unexpected(transport.error());
    return install(std::move(*transport));
}

Result<Transport*> TransferEngine::Impl::installNvmeof(std::string_view where) {
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    auto transport = nvmeof::NvmeofTransport::open(where,
                                                   {.name = (*joined)->name(),
                                                    .identity = identityOfFiles(**joined, options.nvmeof),
                                                    .advertised_host = options.advertise_address},
                                                   options.nvmeof);
    if (!transport) return std::unexpected(transport.error());
    return install(std::move(*transport));
}

Result<Transport*> TransferEngine::Impl::installLocalFiles() {
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    auto transport = localfiles::LocalFilesTransport::open((*joined)->name(), options.nvmeof.workers);
    if (!transport) return std::unexpected(transport.error());
    return install(std::move(*transport));
}

Result<Transport*> TransferEngine::Impl::install(std::unique_ptr<Transport> transport) {
    const std::string protocol(transport->protocol());
    auto installed = local.install(std::move(transport));
    if (!installed) return installed;
    auto published = publish();
    if (published) return installed;
    takeOut(protocol);
    static_cast<void>(publish());  // Takes back what did get through.
    return std::unexpected(published.error());
}

Result<void> TransferEngine::Impl::uninstall(std::string_view protocol) {
    std::size_t none = 0;
    if (!running_batches_.compare_exchange_strong(none, kUninstalling))
        return fail(ErrorCode::Busy, fmt::format("transport {}: batches are in use", protocol));
    auto done = uninstallIdle(protocol);
    running_batches_.fetch_sub(kUninstalling);
    return done;
}

Result<void> TransferEngine::Impl::uninstallIdle(std::string_view protocol) {
    if (!takeOut(protocol)) return fail(ErrorCode::NotFound, fmt::format("transport {}: not installed", protocol));
    return publish();
}

// Ends what runs on it and forgets all that refers to it. Null if it is not installed.
std::unique_ptr<Transport> TransferEngine::Impl::takeOut(std::string_view protocol) {
    auto removed = local.remove(protocol);
    if (!removed) return nullptr;
    const std::unique_lock lock(transports_mutex_);
    removed->shutDown();
    for (const SegmentHandle handle : segments.handles()) {
        if (const auto segment = segments.get(handle); segment && segment->transport == removed.get())
            segments.set(handle, nullptr);
    }
    const std::lock_guard peers_lock(peers_mutex_);
    std::erase_if(peers_, [&](const auto& entry) { return entry.first.second == removed.get(); });
    return removed;
}

Result<void> TransferEngine::Impl::registerMemory(std::span<const BufferEntry> buffers, std::string_view location,
                                                  bool remote_accessible) {
    if (auto done = local.registerMemory(buffers, location, remote_accessible); !done) return done;
    auto published = publish();
    if (published) return {};
    for (const BufferEntry& buffer : buffers) {
        static_cast<void>(local.unregisterMemory(buffer.addr));
    }
    static_cast<void>(publish());  // Takes back what did get through.
    return published;
}

Result<void> TransferEngine::Impl::withdrawMemory(std::span<void* const> addrs) {
    if (auto hidden = local.hide(addrs); !hidden) return hidden;
    auto published = publish();
    if (published) return {};
    local.show(addrs);
    static_cast<void>(publish());  // Takes back what did get through.
    return published;
}

Result<std::vector<FileBufferID>> TransferEngine::Impl::registerFiles(std::span<const FileEntry> files) {
    if (const auto joined = membership(); !joined) return std::unexpected(joined.error());
    if (files.empty()) return std::vector<FileBufferID>{};
    auto ids = local.registerFiles(files);
    if (!ids) return ids;
    auto published = publish();
    if (published) return ids;
    for (const FileEntry& file : files) {
        static_cast<void>(local.unregisterFile(file.path));
    }
    static_cast<void>(publish());  // Takes back what did get through.
    return std::unexpected(published.error());
}

// Peers are told before the file goes.
Result<void> TransferEngine::Impl::unregisterFile(const std::string& path) {
    if (auto hidden = local.hideFile(path); !hidden) return hidden;
    auto published = publish();
    auto done = local.unregisterFile(path);
    return done ? published : done;
}

Result<void> TransferEngine::Impl::publish() {
    // One at a time, so that the last one to describe is also the last one to put.
    const std::lock_guard lock(publish_mutex_);
    Membership* const joined = joined_.load(std::memory_order_acquire);
    if (joined == nullptr) return {};
    segments.set(kLocalSegment, nullptr);  // Looked up again when it is used.
    return publishNow(*joined);
}

Result<void> TransferEngine::Impl::publishNow(Membership& joined) {
    auto published = joined.publish(local.describe(joined.name()));
    behind_ = !published;
    return published;
}

Result<std::vector<std::string>> TransferEngine::Impl::restorePublished() {
    const std::lock_guard lock(publish_mutex_);
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    auto missing = (*joined)->missing();
    if (!missing || (missing->empty() && !behind_)) return missing;
    // The address first: whoever wants the name looks there.
    if (auto published = (*joined)->publishAddress(*missing); !published) return std::unexpected(published.error());
    if (auto published = publishNow(**joined); !published) return std::unexpected(published.error());
    return missing;
}

Result<SegmentHandle> TransferEngine::Impl::open(std::string_view name) {
    if (const auto joined = membership(); !joined) return std::unexpected(joined.error());
    name.remove_prefix(std::min(name.find_first_not_of('/'), name.size()));
    if (name.empty()) return fail(ErrorCode::InvalidArgument, "open segment: its name is empty");
    auto handle = segments.handleOf(name);
    if (!handle) return handle;
    if (options.metadata_cache && segments.get(*handle)) return handle;
    if (auto found = lookUp(*handle); !found) return std::unexpected(found.error());
    return handle;
}

Result<FoundSegment> TransferEngine::Impl::findSegment(SegmentHandle handle) const {
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    const std::string name = segments.nameOf(handle);
    if (name.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("segment handle {}: not open", handle));
    if (handle != kLocalSegment) return (*joined)->find(name);
    auto own = local.describe(name);
    if (own.empty()) return fail(ErrorCode::NotFound, fmt::format("segment {}: this engine serves nothing yet", name));
    return FoundSegment{std::move(own.front()), (*joined)->advertisedHost(), (*joined)->rpcPort()};
}

Result<std::shared_ptr<const SegmentDescriptor>> TransferEngine::Impl::ownDescriptor() const {
    auto own = findSegment(kLocalSegment);
    if (!own) return std::unexpected(own.error());
    return std::make_shared<const SegmentDescriptor>(std::move(own->descriptor));
}

Result<PeerInfo> TransferEngine::Impl::peerInfo(SegmentHandle handle) {
    const std::shared_lock lock(transports_mutex_);
    const auto segment = segments.get(handle);
    if (!segment) return fail(ErrorCode::NotFound, fmt::format("segment handle {}: not looked up", handle));
    return segment->transport->inspect(*segment->peer);
}

bool TransferEngine::Impl::keep(Notification notification) {
    const std::size_t bytes = notification.name.size() + notification.message.size();
    const std::lock_guard lock(notifications_mutex_);
    if (notifications_.size() >= options.max_notifications || bytes > kMaxNotificationBytes - notification_bytes_)
        return false;
    notification_bytes_ += bytes;
    notifications_.push_back(std::move(notification));
    return true;
}

std::vector<Notification> TransferEngine::Impl::takeNotifications() {
    const std::lock_guard lock(notifications_mutex_);
    notification_bytes_ = 0;
    return std::exchange(notifications_, {});
}

Result<void> TransferEngine::Impl::lookUp(SegmentHandle handle) {
    return look_ups_.run(handle, [this, handle] { return lookUpNow(handle); });
}

Result<void> TransferEngine::Impl::lookUpNow(SegmentHandle handle) {
    auto found = findSegment(handle);
    if (!found) return std::unexpected(found.error());
    const std::shared_lock lock(transports_mutex_);
    Transport* const transport = local.choose(found->descriptor);
    if (transport == nullptr) {
        return fail(ErrorCode::Unsupported, fmt::format("segment {}: speaks {}, for which no transport is installed",
                                                        segments.nameOf(handle), found->descriptor.protocol()));
    }
    const auto peer = peerFor(handle, *transport, *found);
    if (!peer) return std::unexpected(peer.error());
    std::vector<Region> regions;
    for (const MemoryBuffer& buffer : found->descriptor.buffers) {
        regions.push_back({buffer.addr, buffer.length, buffer.name, true});
    }
    // Offsets are those of the files one behind the other.
    if (const std::uint64_t length = lengthOf(found->descriptor.legacy_files); length > 0)
        regions.push_back({0, length, std::string(kNvmeofLegacy), true});
    auto opened = std::make_shared<OpenedSegment>();
    opened->files = found->descriptor.file_buffers;
    std::ranges::sort(opened->files, {}, &FileBuffer::id);
    opened->descriptor = std::move(found->descriptor);
    opened->regions = RegionTable(std::move(regions));
    opened->transport = transport;
    opened->peer = *peer;
    segments.set(handle, std::move(opened));
    return {};
}

Result<BatchID> TransferEngine::Impl::allocateBatch(std::size_t capacity) {
    if (running_batches_.fetch_add(1) >= kUninstalling) {
        running_batches_.fetch_sub(1);
        return fail(ErrorCode::Busy, "allocate batch: a transport is being uninstalled");
    }
    auto id = batches.allocate(capacity);
    if (!id) running_batches_.fetch_sub(1);
    return id;
}

void TransferEngine::Impl::releaseBatch(Batch& batch) {
    batches.release(batch);
    running_batches_.fetch_sub(1);
}

Result<void> TransferEngine::Impl::notify(SegmentHandle target, const Notification& notification) {
    const auto joined = membership();
    if (!joined) return std::unexpected(joined.error());
    const auto found = findSegment(target);
    if (!found) return std::unexpected(found.error());
    return (*joined)->notify(found->host, found->rpc_port, notification);
}

Result<Peer*> TransferEngine::Impl::peerFor(SegmentHandle handle, Transport& transport, const FoundSegment& found) {
    // One look-up of a segment at a time: nobody else makes or uses this one meanwhile.
    std::unique_lock lock(peers_mutex_);
    Peer* const known = peers_[{handle, &transport}].get();
    lock.unlock();
    if (known != nullptr) {
        if (auto updated = transport.update(*known, found.host, found.descriptor); !updated)
            return std::unexpected(updated.error());
        return known;
    }
    auto connected = transport.connect(found.host, found.descriptor);
    if (!connected) return std::unexpected(connected.error());
    lock.lock();
    auto& peer = peers_[{handle, &transport}];
    peer = std::move(*connected);
    return peer.get();
}

}  // namespace mc
