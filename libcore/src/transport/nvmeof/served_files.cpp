#include "transport/nvmeof/served_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "base/text.h"
#include "io/block_device.h"
#include "io/socket.h"
#include "nvme/uuid.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {
namespace {

constexpr std::size_t kSerialLength = 20;

// Twenty characters that stay the same as long as the name does.
std::string serialOf(const std::string& nqn) {
    std::string digits = nvme::formatUuid(nvme::uuidOf("mc serial " + nqn));
    std::erase(digits, '-');
    return digits.substr(0, kSerialLength);
}

// What hosts recognise a file by, wherever the server was started from.
nvme::Uuid identityOf(std::string_view kind, const std::string& server_name, const std::string& path) {
    std::error_code ignored;
    const auto absolute = std::filesystem::absolute(path, ignored).lexically_normal();
    return nvme::uuidOf(fmt::format("mc {}\n{}\n{}", kind, server_name, absolute.string()));
}

}  // namespace

ServedFiles::ServedFiles(NvmeTransportId where, std::string server_name, const NvmeofOptions& options)
    : server_name_(std::move(server_name)), options_(options), where_(std::move(where)) {
    where_.subnqn = options_.nqn.empty() ? "nqn.2016-06.io.mc:" + server_name_ : options_.nqn;
}

Result<void> ServedFiles::start() {
    if (target_) return {};
    auto addresses = socketAddresses(where_);
    if (!addresses) return std::unexpected(wrap("transport nvmeof_generic", addresses.error()));
    constexpr int kBacklog = 1024;
    auto listener = io::listenOn(addresses->front(), kBacklog);
    if (!listener) return std::unexpected(wrap("transport nvmeof_generic", listener.error()));
    nvme::TargetOptions options;
    options.threads = options_.threads;
    options.congestion = options_.congestion;
    auto target = nvme::Target::start(std::move(*listener), options);
    if (!target) return std::unexpected(target.error());
    nvme::SubsystemOptions subsystem;
    subsystem.nqn = where_.subnqn;
    subsystem.serial = serialOf(where_.subnqn);
    subsystem.allow_any_host = options_.hosts.empty();
    for (const NvmeofHost& host : options_.hosts)
        subsystem.hosts.push_back({.nqn = host.nqn, .key = host.key, .controller_key = host.controller_key});
    if (auto added = (*target)->addSubsystem(subsystem); !added) return added;
    target_ = std::move(*target);
    where_.trtype = toLower(where_.trtype);
    where_.adrfam = toLower(where_.adrfam);
    where_.trsvcid = fmt::format("{}", target_->port());
    return {};
}

Result<void> ServedFiles::add(FileBufferID id, const std::string& path, const LocalFileOptions& options) {
    auto device = io::openFileDevice(
        path,
        {.size = options.size, .read_only = options.read_only, .direct = options_.direct_io, .force = options.force});
    if (!device) return std::unexpected(device.error());
    const std::uint64_t size = (*device)->size() / (*device)->blockSize() * (*device)->blockSize();
    if (size == 0) {
        return fail(ErrorCode::InvalidArgument, fmt::format("file {}: {} bytes, less than a block of {}", path,
                                                            (*device)->size(), (*device)->blockSize()));
    }
    const std::lock_guard lock(mutex_);
    if (auto started = start(); !started) return started;
    auto added = target_->addNamespace(where_.subnqn, {.nsid = id,
                                                       .device = std::move(*device),
                                                       .nguid = identityOf("nguid", server_name_, path),
                                                       .uuid = identityOf("uuid", server_name_, path)});
    if (!added) return std::unexpected(wrap(fmt::format("file {}", path), added.error()));
    files_[id] = {.path = path, .size = size};
    return {};
}

Result<void> ServedFiles::remove(FileBufferID id) {
    const std::lock_guard lock(mutex_);
    if (files_.erase(id) == 0) return fail(ErrorCode::NotFound, fmt::format("file {}: not served", id));
    return target_->removeNamespace(where_.subnqn, id);
}

void ServedFiles::describe(SegmentDescriptor& descriptor) const {
    const std::lock_guard lock(mutex_);
    descriptor.nvme_trid = where_;
    for (const auto& [id, file] : files_) {
        descriptor.file_buffers.push_back({.id = id, .path = file.path, .size = file.size});
    }
}

std::optional<FileService> ServedFiles::service() const {
    const std::lock_guard lock(mutex_);
    if (!target_) return std::nullopt;
    const nvme::TargetCounters served = target_->counters();
    FileService service{.trid = where_,
                        .hosts = {},
                        .bytes_read = served.bytes_read,
                        .bytes_written = served.bytes_written,
                        .commands = served.commands,
                        .failed_commands = served.failed_commands,
                        .connections = served.connections,
                        .connections_refused = served.connections_refused,
                        .protocol_errors = served.protocol_errors};
    for (const nvme::ControllerStatus& controller : target_->controllers()) {
        service.hosts.push_back({.nqn = controller.host_nqn,
                                 .address = controller.address,
                                 .controller = controller.id,
                                 .io_queues = controller.io_queues,
                                 .authenticated = controller.authenticated,
                                 .header_digest = controller.header_digest,
                                 .data_digest = controller.data_digest,
                                 .connected = controller.connected});
    }
    return service;
}

void ServedFiles::count(TransportCounters& counters) const {
    const std::lock_guard lock(mutex_);
    if (!target_) return;
    const nvme::TargetCounters served = target_->counters();
    counters.bytes_served += served.bytes_read + served.bytes_written;
    counters.requests_served += served.commands - std::min(served.commands, served.failed_commands);
    counters.requests_rejected += served.failed_commands;
    counters.connections += served.connections;
    counters.connections_served += served.connections;
    counters.connections_refused += served.connections_refused;
}

}  // namespace mc::nvmeof
