#include "control/target.h"

#include <fmt/format.h>

#include "base/address.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"

namespace mc::control {

Target::Target(const TargetOptions& options)
    : metadata_server_(withoutCredentials(options.metadata_server)),
      protocol_(options.protocol),
      memory_options_{.huge_pages = options.huge_pages, .lock = options.lock, .stop = options.stop},
      engine_(options.engine) {}

Result<std::unique_ptr<Target>> Target::open(const TargetOptions& options) {
    if (options.memory.empty()) return fail(ErrorCode::InvalidArgument, "target: no memory to serve");
    std::unique_ptr<Target> target(new Target(options));
    auto buffers = takeMemory(options.memory, target->memory_options_);
    if (!buffers) return std::unexpected(buffers.error());
    if (options.stop.stop_requested()) return nullptr;
    TransferEngine& engine = target->engine_;
    // Before anybody can ask, so that the first descriptor that is published is the whole one.
    if (auto added = target->memory_.add(engine, std::move(*buffers)); !added) return std::unexpected(added.error());
    if (auto joined = engine.init(options.metadata_server, options.server_name); !joined)
        return std::unexpected(joined.error());
    if (auto installed = engine.installOrGetTransport(options.protocol); !installed)
        return std::unexpected(installed.error());
    if (options.keep_alive.count() == 0) return target;
    auto keep_alive = KeepAlive::start(options.keep_alive, [&engine] { return engine.restorePublished(); });
    if (!keep_alive) return std::unexpected(keep_alive.error());
    target->keep_alive_ = std::move(*keep_alive);
    return target;
}

Result<void> Target::checkMemory(std::span<const MemoryRequest> requests) const {
    return control::checkMemory(requests, memory_options_);
}

Result<std::vector<ServedBuffer>> Target::addMemory(std::span<const MemoryRequest> requests) {
    auto buffers = takeMemory(requests, memory_options_);
    if (!buffers) return std::unexpected(buffers.error());
    if (memory_options_.stop.stop_requested()) return fail(ErrorCode::Unavailable, "the target is ending");
    auto added = memory_.add(engine_, std::move(*buffers));
    if (!added) return added;
    for (const ServedBuffer& buffer : *added) {
        log::info("added buffer {}: {} at {:#x}, {}", buffer.number, formatSize(buffer.length), buffer.addr,
                  buffer.location);
    }
    return added;
}

Result<std::vector<ServedBuffer>> Target::removeMemory(const BufferChoice& choice) {
    auto removed = memory_.remove(engine_, choice);
    if (!removed) return removed;
    for (const ServedBuffer& buffer : *removed)
        log::info("removed buffer {}: {} at {:#x}", buffer.number, formatSize(buffer.length), buffer.addr);
    return removed;
}

Result<TargetStatus> Target::status() const {
    const auto address = parseHostPort(engine_.localIpAndPort());
    if (!address) return std::unexpected(address.error());
    const auto descriptor = engine_.segmentDescriptor(kLocalSegment);
    if (!descriptor) return std::unexpected(descriptor.error());
    return TargetStatus{
        .name = engine_.localServerName(),
        .host = address->host,
        .rpc_port = address->port.value_or(0),
        .data_port = static_cast<std::uint16_t>((*descriptor)->tcp_data_port),
        .protocol = protocol_,
        .metadata_server = metadata_server_,
        .started = started_,
        .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_steady_),
        .buffers = memory_.describe(),
        .counters = engine_.counters(),
        .keys = engine_.checkPublished()};
}

}  // namespace mc::control
