#include "control/target.h"

#include <fmt/format.h>

#include "base/address.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "metadata/open_store.h"
#include "segment/protocols.h"
#include "transport/nvmeof/file_opening.h"
#include "transport/nvmeof/transport_id.h"
#include "transport/transport.h"

namespace mc::control {

Target::Target(const TargetOptions& options)
    : metadata_server_(withoutCredentials(options.metadata_server)),
      protocol_(options.protocol),
      has_memory_(!options.memory.empty()),
      memory_options_{.huge_pages = options.huge_pages, .lock = options.lock, .stop = options.stop},
      read_only_(options.read_only),
      trid_(options.trid),
      engine_(options.engine) {}

Result<std::unique_ptr<Target>> Target::open(const TargetOptions& options) {
    if (options.memory.empty() && options.files.empty())
        return fail(ErrorCode::InvalidArgument, "target: neither memory nor files to serve");
    std::unique_ptr<Target> target(new Target(options));
    if (!options.files.empty()) {
        if (auto possible = target->checkFiles(options.files, options.force); !possible)
            return std::unexpected(possible.error());
    }
    auto buffers = takeMemory(options.memory, target->memory_options_);
    if (!buffers) return std::unexpected(buffers.error());
    if (options.stop.stop_requested()) return nullptr;
    TransferEngine& engine = target->engine_;
    // Before anybody can ask, so that the first descriptor that is published is the whole one.
    if (auto added = target->memory_.add(engine, std::move(*buffers)); !added) return std::unexpected(added.error());
    if (auto opened = target->openEngine(options); !opened) return std::unexpected(opened.error());
    if (options.keep_alive.count() == 0) return target;
    auto keep_alive = KeepAlive::start(options.keep_alive, [&engine] { return engine.restorePublished(); });
    if (!keep_alive) return std::unexpected(keep_alive.error());
    target->keep_alive_ = std::move(*keep_alive);
    return target;
}

// Memory first: what is installed first owns the name.
Result<void> Target::openEngine(const TargetOptions& options) {
    if (auto joined = engine_.init(options.metadata_server, options.server_name); !joined) return joined;
    if (has_memory_) {
        const auto installed = engine_.installOrGetTransport(protocol_);
        if (!installed) return std::unexpected(installed.error());
        memory_transport_ = *installed;
    }
    if (options.files.empty()) return {};
    if (auto installed = engine_.installOrGetTransport(kNvmeofGeneric, trid_); !installed)
        return std::unexpected(installed.error());
    auto added = files_.add(engine_, options.files, fileOptions(options.force));
    return added ? Result<void>() : std::unexpected(added.error());
}

std::string Target::filesSegment() const {
    return has_memory_ ? engine_.localServerName() + "-files" : engine_.localServerName();
}

FileOptions Target::fileOptions(bool force) const {
    const NvmeofOptions& options = engine_.options().nvmeof;
    const auto where = nvmeof::parseTransportId(trid_);
    return {.read_only = read_only_,
            .direct = options.direct_io,
            .backend = where ? nvmeof::backendFor(*where, options) : NvmeofBackend::User,
            .backend_option = options.backend_option,
            .force = force};
}

Result<void> Target::expectBackend() const {
    const auto where = nvmeof::parseTransportId(trid_);
    return where ? nvmeof::checkBackend(*where, engine_.options().nvmeof) : std::unexpected(where.error());
}

Result<void> Target::expectMemory() const {
    if (has_memory_) return {};
    return fail(ErrorCode::Unsupported, "this target serves files only: its name is that of their segment",
                "start one with --memory beside it, under another name");
}

Result<void> Target::expectRoomForFiles() const {
    if (!has_memory_ || !metadata::isP2pHandshake(metadata_server_)) return {};
    return fail(ErrorCode::InvalidArgument,
                "P2PHANDSHAKE has room for one segment: memory and files can't both be served with it",
                "name a metadata server (mc-meta serve is one), or start a target for each");
}

Result<void> Target::checkMemory(std::span<const MemoryRequest> requests) const {
    if (auto expected = expectMemory(); !expected) return expected;
    return control::checkMemory(requests, memory_options_);
}

Result<std::vector<ServedBuffer>> Target::addMemory(std::span<const MemoryRequest> requests) {
    if (auto expected = expectMemory(); !expected) return std::unexpected(expected.error());
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

Result<void> Target::checkFiles(std::span<const FileRequest> requests, bool force) const {
    if (auto room = expectRoomForFiles(); !room) return room;
    if (auto possible = expectBackend(); !possible) return possible;
    return files_.check(requests, fileOptions(force));
}

Result<std::vector<ServedFile>> Target::addFiles(std::span<const FileRequest> requests, bool force) {
    // Before a port is bound, where it would be for the first files.
    if (auto possible = checkFiles(requests, force); !possible) return std::unexpected(possible.error());
    if (auto installed = engine_.installOrGetTransport(kNvmeofGeneric, trid_); !installed)
        return std::unexpected(installed.error());
    auto added = files_.add(engine_, requests, fileOptions(force));
    if (!added) return added;
    for (const ServedFile& file : *added)
        log::info("added file {}: {} of {}", file.number, formatSize(file.size), printable(file.path));
    return added;
}

Result<std::vector<ServedFile>> Target::removeFiles(const FileChoice& choice) {
    auto removed = files_.remove(engine_, choice);
    if (!removed) return removed;
    for (const ServedFile& file : *removed)
        log::info("removed file {}: {}", file.number, printable(file.path));
    return removed;
}

// Nothing where all files of a target of files are gone.
Result<std::uint16_t> Target::dataPort() const {
    if (!has_memory_) return std::uint16_t{0};
    const auto descriptor = engine_.segmentDescriptor(kLocalSegment);
    if (!descriptor) return std::unexpected(descriptor.error());
    return static_cast<std::uint16_t>((*descriptor)->tcp_data_port);
}

Result<TargetStatus> Target::status() const {
    const auto address = parseHostPort(engine_.localIpAndPort());
    if (!address) return std::unexpected(address.error());
    const auto data_port = dataPort();
    if (!data_port) return std::unexpected(data_port.error());
    auto service = engine_.fileService();
    std::vector<std::string> protocols;
    if (has_memory_) protocols.push_back(protocol_);
    if (service) protocols.emplace_back(kNvmeofGeneric);
    return TargetStatus{
        .name = engine_.localServerName(),
        .host = address->host,
        .rpc_port = address->port.value_or(0),
        .data_port = *data_port,
        .protocols = std::move(protocols),
        .metadata_server = metadata_server_,
        .started = started_,
        .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_steady_),
        .buffers = memory_.describe(),
        .files_segment = filesSegment(),
        .files = files_.describe(),
        .file_service = std::move(service),
        .counters = has_memory_ ? memory_transport_->counters() : TransportCounters{},
        .keys = engine_.checkPublished()};
}

}  // namespace mc::control
