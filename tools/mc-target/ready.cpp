#include "mc-target/ready.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/address.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/shell.h"
#include "common/table.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::target {
namespace {

using Align = tools::Table::Align;

std::uint64_t smallestOf(const std::vector<control::ServedBuffer>& buffers) {
    return std::ranges::min(buffers, {}, &control::ServedBuffer::length).length;
}

std::uint64_t smallestOf(const std::vector<control::ServedFile>& files) {
    return std::ranges::min(files, {}, &control::ServedFile::size).size;
}

// A key is a secret: who pastes the command has it in a variable.
std::string connectCommand(const NvmeTransportId& trid, const std::vector<NvmeofHost>& hosts) {
    std::string command = fmt::format("nvme connect --transport={} --traddr={} --trsvcid={} --nqn={}", trid.trtype,
                                      tools::shellQuoted(trid.traddr), trid.trsvcid, tools::shellQuoted(trid.subnqn));
    if (hosts.empty()) return command;
    command += fmt::format(" --hostnqn={}", tools::shellQuoted(hosts.front().nqn));
    if (!hosts.front().key.empty()) command += " --dhchap-secret=\"$DHCHAP_SECRET\"";
    if (!hosts.front().controller_key.empty()) command += " --dhchap-ctrl-secret=\"$DHCHAP_CTRL_SECRET\"";
    return command;
}

// The same for mc-bench, which reads keys from files.
std::string hostFlags(const std::vector<NvmeofHost>& hosts) {
    if (hosts.empty()) return {};
    std::string flags = fmt::format(" --nvmeof-host-nqn={}", tools::shellQuoted(hosts.front().nqn));
    if (!hosts.front().key.empty()) flags += " --nvmeof-host-key=\"$DHCHAP_SECRET_FILE\"";
    return flags;
}

std::string pagesOf(const control::ServedBuffer& buffer) {
    return formatSize(buffer.page_size) + (buffer.transparent ? ", may be joined" : "");
}

std::string bufferTable(const std::vector<control::ServedBuffer>& buffers) {
    tools::Table table({{"Buffer"}, {"Size"}, {"Location", Align::Left}, {"Pages", Align::Left}});
    for (const auto& buffer : buffers)
        table.addRow({std::to_string(buffer.number), formatSize(buffer.length), buffer.location, pagesOf(buffer)});
    return table.toString();
}

std::string fileTable(const std::vector<control::ServedFile>& files) {
    tools::Table table({{"File"}, {"Size"}, {"Access", Align::Left}, {"Path", Align::Left}});
    for (const auto& file : files) {
        table.addRow({std::to_string(file.number), formatSize(file.size), file.read_only ? "read" : "read, write",
                      printable(file.path)});
    }
    return table.toString();
}

Json filesOf(const Ready& ready) {
    Json files = Json::array();
    for (const auto& file : ready.files) {
        files.add(
            {{"number", file.number}, {"path", file.path}, {"size_bytes", file.size}, {"read_only", file.read_only}});
    }
    return files;
}

Json tridOf(const std::optional<FileService>& service) {
    if (!service) return nullptr;
    const NvmeTransportId& trid = service->trid;
    return {{"trtype", trid.trtype},
            {"adrfam", trid.adrfam},
            {"traddr", trid.traddr},
            {"trsvcid", trid.trsvcid},
            {"subnqn", trid.subnqn}};
}

Json backendOf(const std::optional<FileService>& service) {
    if (!service) return nullptr;
    return service->backend == NvmeofBackend::Kernel ? "kernel" : "user";
}

Json orNull(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

void warnAboutFiles(const Ready& ready, const control::TargetOptions& options) {
    if (const std::string& told = ready.file_service->trid.traddr; told == "0.0.0.0" || told == "::") {
        fmt::print(stderr, "warning: the files are published at {}, where nobody finds this machine\n", told);
        fmt::print(stderr, "hint: --advertise names the address that others reach it under\n");
    }
    const auto& hosts = options.engine.nvmeof.hosts;
    const bool proven = !hosts.empty() && std::ranges::none_of(hosts, &std::string::empty, &NvmeofHost::key);
    if (proven) return;
    const std::string& bound = ready.file_service->bound.traddr;
    if (!isLoopbackHost(bound)) {
        fmt::print(stderr, "warning: {} is served without authentication: whoever reaches it{} can {} the files\n",
                   bound, hosts.empty() ? "" : " and gives an allowed host's name",
                   options.read_only ? "read" : "read and write");
    }
    if (hosts.empty()) fmt::print(stderr, "every host may connect to the files; --allow-host names those that may\n");
}

}  // namespace

Result<Ready> describeReady(control::Target& target, const control::TargetOptions& options,
                            std::string control_socket) {
    auto serving = tools::describeServing(target.engine());
    if (!serving) return std::unexpected(serving.error());
    Ready ready{.serving = std::move(*serving),
                .files_segment = target.filesSegment(),
                .buffers = target.buffers(),
                .files = target.files(),
                .file_service = target.engine().fileService(),
                .control_socket = std::move(control_socket),
                .initiator = {},
                .files_initiator = {},
                .files_mount = {},
                .nvme_connect = {}};
    const auto initiator = [&](const std::string& segment, std::uint64_t smallest) {
        tools::Serving served = ready.serving;
        served.segment = segment;
        return tools::initiatorCommand(served, options.metadata_server, options.engine,
                                       tools::fittingWorkload(smallest));
    };
    if (!ready.buffers.empty()) ready.initiator = initiator(ready.serving.segment, smallestOf(ready.buffers));
    // Over RDMA the kernel's host alone gets there.
    if (!ready.files.empty() && ready.file_service->trid.trtype == "tcp") {
        ready.files_initiator =
            initiator(ready.files_segment, smallestOf(ready.files)) + hostFlags(options.engine.nvmeof.hosts);
        ready.files_mount = tools::mountCommand(ready.files_segment, options.metadata_server, options.engine) +
                            hostFlags(options.engine.nvmeof.hosts);
    }
    if (ready.file_service) ready.nvme_connect = connectCommand(ready.file_service->trid, options.engine.nvmeof.hosts);
    return ready;
}

std::string readyDocument(const Ready& ready) {
    Json buffers = Json::array();
    for (const auto& buffer : ready.buffers) {
        buffers.add({{"number", buffer.number},
                     {"addr", buffer.addr},
                     {"length_bytes", buffer.length},
                     {"location", buffer.location},
                     {"page_size_bytes", buffer.page_size}});
    }
    const bool has_memory = !ready.buffers.empty();
    const Json document{{"schema_version", 1},
                        {"event", "ready"},
                        {"name", ready.serving.segment},
                        {"pid", ::getpid()},
                        {"host", ready.serving.host},
                        {"rpc_port", ready.serving.rpc_port},
                        {"data_port", has_memory ? Json(ready.serving.data_port) : Json(nullptr)},
                        {"buffers", std::move(buffers)},
                        {"files_segment", ready.files.empty() ? Json(nullptr) : Json(ready.files_segment)},
                        {"files", filesOf(ready)},
                        {"trid", tridOf(ready.file_service)},
                        {"backend", backendOf(ready.file_service)},
                        {"control_socket", orNull(ready.control_socket)},
                        {"initiator", orNull(ready.initiator)},
                        {"files_initiator", orNull(ready.files_initiator)},
                        {"nvme_connect", orNull(ready.nvme_connect)}};
    return document.line();
}

std::string readyTable(const Ready& ready) {
    const bool has_memory = !ready.buffers.empty();
    std::string text = fmt::format("ready: segment {}", ready.serving.segment);
    if (has_memory) text += fmt::format(", data port {}", ready.serving.data_port);
    text += fmt::format(", pid {}\n", ::getpid());
    if (!ready.control_socket.empty()) text += fmt::format("control socket {}\n", ready.control_socket);
    if (has_memory) text += bufferTable(ready.buffers);
    if (!ready.file_service) return text;
    text += fmt::format("files: segment {}, {}, {}{}\n", ready.files_segment,
                        nvmeof::formatTransportId(ready.file_service->trid), ready.file_service->trid.subnqn,
                        ready.file_service->backend == NvmeofBackend::Kernel ? ", by the kernel" : "");
    return text + fileTable(ready.files);
}

void tellReady(const Ready& ready, const control::TargetOptions& options) {
    if (!ready.initiator.empty()) {
        tools::warnIfReachable(tools::boundHost(options.engine, options.server_name, ready.serving.host));
        fmt::print(stderr, "start an initiator with:\n  {}\n", ready.initiator);
    }
    if (ready.files.empty()) return;
    warnAboutFiles(ready, options);
    if (!ready.files_initiator.empty()) {
        fmt::print(stderr, "start an initiator for the files with:\n  {}\n", ready.files_initiator);
        fmt::print(stderr, "or see them in a directory with:\n  {}\n", ready.files_mount);
    }
    fmt::print(stderr, "{}have a kernel use them with:\n  {}\n", ready.files_initiator.empty() ? "" : "or ",
               ready.nvme_connect);
}

}  // namespace mc::target
