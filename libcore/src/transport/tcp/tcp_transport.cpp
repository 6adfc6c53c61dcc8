#include "transport/tcp/tcp_transport.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/thread.h"

namespace mc::tcp {

Result<std::unique_ptr<TcpTransport>> TcpTransport::open(FileDescriptor listener, std::string server_name,
                                                         bool ipv6_first, const TcpOptions& options) {
    if (options.connections_per_peer < 1 || options.protocol_version < 1) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("transport tcp: {} connections per peer, protocol version {}: both begin at 1",
                                options.connections_per_peer, options.protocol_version));
    }
    std::unique_ptr<TcpTransport> transport(new TcpTransport(std::move(server_name), ipv6_first, options));
    auto server = Server::start(std::move(listener), transport->regions_, transport->options_);
    if (!server) return std::unexpected(server.error());
    transport->server_ = std::move(*server);
    for (int i = 0; i < options.connections_per_peer; ++i) {
        auto loop = ClientLoop::start("tcp", i);
        if (!loop) return std::unexpected(loop.error());
        transport->loops_.push_back(std::move(*loop));
    }
    return transport;
}

TcpTransport::~TcpTransport() = default;

TransportCounters TcpTransport::counters() const {
    TransportCounters total = server_->counters();
    for (const auto& loop : loops_) {
        total.bytes_read += loop->context().bytes_read.load(std::memory_order_relaxed);
        total.bytes_written += loop->context().bytes_written.load(std::memory_order_relaxed);
        total.connections += loop->context().connections.load(std::memory_order_relaxed);
    }
    return total;
}

Result<void> TcpTransport::registerMemory(void* addr, std::size_t length, std::string_view location,
                                          bool remote_accessible) {
    return regions_.add({reinterpret_cast<std::uint64_t>(addr), length, std::string(location), remote_accessible});
}

Result<void> TcpTransport::unregisterMemory(void* addr) {
    const auto removed = regions_.remove(reinterpret_cast<std::uint64_t>(addr));
    if (!removed) return std::unexpected(removed.error());
    server_->retire(removed->addr, removed->length);
    return {};
}

void TcpTransport::describe(SegmentDescriptor& descriptor) const {
    descriptor.tcp_data_port = server_->port();
    descriptor.tcp_proto_version = 2;
    for (const Region& region : regions_.snapshot()->regions()) {
        if (!region.remote_accessible) continue;
        descriptor.buffers.push_back({.name = server_name_,
                                      .addr = region.addr,
                                      .length = region.length,
                                      .rkey = {},
                                      .lkey = {},
                                      .protocol = {}});
    }
}

Result<Target> TcpTransport::locate(const std::string& host, const SegmentDescriptor& descriptor) const {
    if (descriptor.tcp_data_port <= 0 || descriptor.tcp_data_port > 65535) {
        return fail(ErrorCode::BadData, fmt::format("segment {}: tcp_data_port {} is not a port", descriptor.name,
                                                    descriptor.tcp_data_port));
    }
    const auto port = static_cast<std::uint16_t>(descriptor.tcp_data_port);
    auto addresses = io::resolve(host, port, ipv6_first_ ? io::AddressFamily::V6 : io::AddressFamily::Any);
    if (!addresses && ipv6_first_) addresses = io::resolve(host, port);
    if (!addresses) return std::unexpected(wrap(fmt::format("segment {}", descriptor.name), addresses.error()));
    Target target{.addresses = std::move(*addresses),
                  .version = std::clamp(descriptor.tcp_proto_version, 1, options_.protocol_version),
                  .probe_address = 0};
    constexpr std::uint64_t kProbeLength = 8;
    const auto buffer = std::ranges::find_if(descriptor.buffers,
                                             [](const auto& candidate) { return candidate.length >= kProbeLength; });
    if (buffer != descriptor.buffers.end()) target.probe_address = buffer->addr;
    return target;
}

Result<std::unique_ptr<Peer>> TcpTransport::connect(const std::string& host, const SegmentDescriptor& descriptor) {
    auto target = locate(host, descriptor);
    if (!target) return std::unexpected(target.error());
    return std::make_unique<TcpPeer>(std::move(*target), loops_.size(), options_);
}

Result<void> TcpTransport::update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) {
    auto target = locate(host, descriptor);
    if (!target) return std::unexpected(target.error());
    static_cast<TcpPeer&>(peer).target.set(std::move(*target));
    return {};
}

PeerInfo TcpTransport::inspect(const Peer& peer) const {
    return static_cast<const TcpPeer&>(peer).target.shown();
}

void TcpTransport::submit(std::span<Slice> slices) {
    if (slices.empty()) return;
    const std::size_t loop = threadNumber() % loops_.size();
    // All slices of a call are of one batch.
    slices.front().task->batch->visit(static_cast<int>(loop));
    loops_[loop]->submit(slices);
}

void TcpTransport::await(Completion& completion, Deadline deadline) {
    if (const int home = completion.home(); home >= 0) {
        loops_[static_cast<std::size_t>(home)]->await(completion, deadline);
        return;
    }
    completion.waitDone(deadline);
}

void TcpTransport::shutDown() {
    for (const auto& loop : loops_) {
        loop->shutDown();
    }
}

}  // namespace mc::tcp
