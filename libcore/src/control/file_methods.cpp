#include "control/file_methods.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "control/rpc_params.h"

namespace mc::control {
namespace {

using nlohmann::json;

json document(const Target& target, std::span<const ServedFile> changed, bool dry_run) {
    json files = json::array();
    for (const ServedFile& file : changed)
        files.push_back(toJson(file));
    return {{"schema_version", 1}, {"name", target.name()},     {"files_segment", target.filesSegment()},
            {"dry_run", dry_run},  {"files", std::move(files)}, {"files_served", target.files().size()}};
}

Result<json> add(Target& target, const json& params) {
    if (auto known = expectOnly(params, {"files", "force", "dry_run"}); !known) return std::unexpected(known.error());
    const auto files = textsParam(params, "files");
    if (!files) return std::unexpected(files.error());
    const auto force = flagParam(params, "force");
    if (!force) return std::unexpected(force.error());
    const auto dry_run = flagParam(params, "dry_run");
    if (!dry_run) return std::unexpected(dry_run.error());
    std::vector<FileRequest> requests;
    for (const std::string& text : *files) {
        auto request = parseFileRequest(text);
        if (!request) return std::unexpected(wrap(fmt::format("file {}", printable(text)), request.error()));
        requests.push_back(std::move(*request));
    }
    if (*dry_run) {
        if (auto possible = target.checkFiles(requests, *force); !possible) return std::unexpected(possible.error());
        return document(target, {}, true);
    }
    const auto added = target.addFiles(requests, *force);
    if (!added) return std::unexpected(added.error());
    return document(target, *added, false);
}

Result<json> remove(Target& target, const json& params) {
    if (auto known = expectOnly(params, {"files", "ignore_missing", "dry_run"}); !known)
        return std::unexpected(known.error());
    const auto files = textsParam(params, "files");
    if (!files) return std::unexpected(files.error());
    const auto ignore_missing = flagParam(params, "ignore_missing");
    if (!ignore_missing) return std::unexpected(ignore_missing.error());
    const auto dry_run = flagParam(params, "dry_run");
    if (!dry_run) return std::unexpected(dry_run.error());
    FileChoice choice{.names = {}, .ignore_missing = *ignore_missing};
    for (const std::string& text : *files) {
        auto name = parseFileName(text);
        if (!name) return std::unexpected(name.error());
        choice.names.push_back(std::move(*name));
    }
    const auto removed = *dry_run ? target.findFiles(choice) : target.removeFiles(choice);
    if (!removed) return std::unexpected(removed.error());
    return document(target, *removed, *dry_run);
}

json toJson(const FileHostLoad& load) {
    return {{"rtt_us", load.round_trip.count()},
            {"retransmitted_segments", load.retransmitted_segments},
            {"unacknowledged_bytes", load.unacknowledged_bytes},
            {"unsent_bytes", load.unsent_bytes},
            {"queued_bytes", load.queued_bytes},
            {"commands", load.commands},
            {"on_device", load.on_device},
            {"awaiting_data", load.awaiting_data},
            {"sending", load.sending}};
}

json toJson(const FileHost& host) {
    return {{"nqn", host.nqn},
            {"address", host.address},
            {"controller", host.controller},
            {"io_queues", host.io_queues},
            {"authenticated", host.authenticated},
            {"header_digest", host.header_digest},
            {"data_digest", host.data_digest},
            {"connected_s", host.connected.count()},
            {"load", host.load ? toJson(*host.load) : json(nullptr)}};
}

}  // namespace

json toJson(const ServedFile& file) {
    return {{"number", file.number}, {"path", file.path}, {"size_bytes", file.size}, {"read_only", file.read_only}};
}

json toJson(const NvmeTransportId& trid) {
    return {{"trtype", trid.trtype},
            {"adrfam", trid.adrfam},
            {"traddr", trid.traddr},
            {"trsvcid", trid.trsvcid},
            {"subnqn", trid.subnqn}};
}

json toJson(const FileService& service) {
    const bool by_kernel = service.backend == NvmeofBackend::Kernel;
    json hosts = json::array();
    for (const FileHost& host : service.hosts)
        hosts.push_back(toJson(host));
    json object{{"trid", toJson(service.trid)},
                {"backend", by_kernel ? "kernel" : "user"},
                {"hosts", std::move(hosts)},
                {"bytes_read", service.bytes_read},
                {"bytes_written", service.bytes_written},
                {"commands", service.commands},
                {"failed_commands", service.failed_commands},
                {"connections", service.connections},
                {"connections_refused", service.connections_refused},
                {"protocol_errors", service.protocol_errors}};
    if (!by_kernel) return object;
    const bool known = service.trid.trtype == "tcp";
    for (auto& [name, value] : object.items()) {
        if (name != "trid" && name != "backend" && !(name == "connections" && known)) value = nullptr;
    }
    return object;
}

void addFileMethods(RpcMethods& methods, Target& target) {
    methods.add("add_files", "serve more files: files, a list of PATH[:SIZE]; force, dry_run",
                [&target](const json& params) { return add(target, params); });
    methods.add("remove_files", "stop serving files: files, a list of paths or numbers; ignore_missing, dry_run",
                [&target](const json& params) { return remove(target, params); });
}

}  // namespace mc::control
