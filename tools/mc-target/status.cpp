#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "common/target_client.h"
#include "mc-target/commands.h"
#include "mc-target/leftovers.h"

namespace mc::target {
namespace {

using nlohmann::json;

constexpr std::size_t kLoadCells = 8;

std::string bufferTable(const json& buffers) {
    using Align = tools::Table::Align;
    tools::Table table({{"Buffer"},
                        {"Address"},
                        {"Size"},
                        {"Location", Align::Left},
                        {"Pages", Align::Left},
                        {"Locked", Align::Left}});
    for (const json& buffer : buffers) {
        const bool joined = buffer.at("transparent_huge_pages").get<bool>();
        table.addRow({std::to_string(buffer.at("number").get<std::uint64_t>()),
                      fmt::format("{:#x}", buffer.at("addr").get<std::uint64_t>()),
                      formatSize(buffer.at("length_bytes").get<std::uint64_t>()),
                      buffer.at("location").get<std::string>(),
                      formatSize(buffer.at("page_size_bytes").get<std::uint64_t>()) + (joined ? ", may be joined" : ""),
                      buffer.at("locked").get<bool>() ? "yes" : "no"});
    }
    return table.toString();
}

std::string keyLines(const json& keys) {
    std::string text;
    for (const json& key : keys) {
        const std::string problem = key.contains("problem") ? ": " + key.at("problem").get<std::string>() : "";
        text +=
            fmt::format("  {} {}{}\n", key.at("key").get<std::string>(), key.at("state").get<std::string>(), problem);
    }
    return text;
}

std::string fileTable(const json& files) {
    using Align = tools::Table::Align;
    tools::Table table({{"File"}, {"Size"}, {"Access", Align::Left}, {"Path", Align::Left}});
    for (const json& file : files) {
        table.addRow({std::to_string(file.at("number").get<std::uint64_t>()),
                      formatSize(file.at("size_bytes").get<std::uint64_t>()),
                      file.at("read_only").get<bool>() ? "read" : "read, write",
                      printable(file.at("path").get<std::string>())});
    }
    return table.toString();
}

std::string digestsOf(const json& host) {
    const bool header = host.at("header_digest").get<bool>();
    const bool data = host.at("data_digest").get<bool>();
    return header && data ? "headers, data" : header ? "headers" : data ? "data" : "none";
}

std::string hostTable(const json& hosts) {
    using Align = tools::Table::Align;
    tools::Table table({{"Host", Align::Left},
                        {"Address", Align::Left},
                        {"Queues"},
                        {"Proven", Align::Left},
                        {"Digests", Align::Left},
                        {"Connected"}});
    for (const json& host : hosts) {
        const auto nqn = host.at("nqn").get<std::string>();
        table.addRow({nqn.empty() ? "(without a name)" : printable(nqn), host.at("address").get<std::string>(),
                      std::to_string(host.at("io_queues").get<std::uint64_t>()),
                      host.at("authenticated").get<bool>() ? "yes" : "no", digestsOf(host),
                      formatDuration(std::chrono::seconds(host.at("connected_s").get<std::uint64_t>()))});
    }
    return table.toString();
}

std::vector<std::string> loadCells(const json& load) {
    if (load.is_null()) return std::vector<std::string>(kLoadCells, "-");
    const auto number = [&](const char* name) { return load.at(name).get<std::uint64_t>(); };
    return {formatDuration(std::chrono::microseconds(number("rtt_us"))),
            std::to_string(number("retransmitted_segments")),
            formatSize(number("unacknowledged_bytes")),
            formatSize(number("unsent_bytes") + number("queued_bytes")),
            std::to_string(number("commands")),
            std::to_string(number("on_device")),
            std::to_string(number("awaiting_data")),
            std::to_string(number("sending"))};
}

// Whom the commands wait for: the disk, the host or the network.
std::string loadTable(const json& hosts) {
    tools::Table table({{"Address", tools::Table::Align::Left},
                        {"RTT"},
                        {"Resent"},
                        {"Unacked"},
                        {"Unsent"},
                        {"Commands"},
                        {"On disk"},
                        {"From host"},
                        {"To host"}});
    bool unknown = false;
    for (const json& host : hosts) {
        std::vector<std::string> row = loadCells(host.at("load"));
        row.insert(row.begin(), host.at("address").get<std::string>());
        table.addRow(std::move(row));
        unknown = unknown || host.at("load").is_null();
    }
    const char* note = unknown ? "-: a thread that serves this host does not answer; a disk may hold it up\n" : "";
    return table.toString() + note;
}

std::string countersLine(const json& service) {
    const auto number = [&](const char* name) { return service.at(name).get<std::uint64_t>(); };
    if (service.at("backend") == "kernel") {
        const bool known = !service.at("connections").is_null();
        return fmt::format("{}served by the kernel, which names no host and does not count what it serves\n",
                           known ? fmt::format("{} connections, ", number("connections")) : "");
    }
    return fmt::format(
        "{} connections ({} refused, {} broke the protocol), {} commands ({} failed), {} bytes read, {} written\n",
        number("connections"), number("connections_refused"), number("protocol_errors"), number("commands"),
        number("failed_commands"), number("bytes_read"), number("bytes_written"));
}

std::string filesPart(const json& status) {
    const json& service = status.at("file_service");
    if (service.is_null()) return {};
    const auto trid = [&](const char* name) { return service.at("trid").at(name).get<std::string>(); };
    const json& files = status.at("files");
    const json& hosts = service.at("hosts");
    std::string page = fmt::format(
        "files: {}{} at {}\n",
        files.empty() ? "none, " : fmt::format("segment {}, ", status.at("files_segment").get<std::string>()),
        trid("subnqn"), trid("traddr") + ", port " + trid("trsvcid"));
    page += countersLine(service);
    if (!files.empty()) page += fileTable(files);
    return hosts.empty() ? page : page + hostTable(hosts) + loadTable(hosts);
}

std::string memoryPart(const json& status) {
    const auto number = [&](const char* name) { return status.at(name).get<std::uint64_t>(); };
    const json& buffers = status.at("buffers");
    if (buffers.empty()) return {};
    return fmt::format("{} connections ({} refused), {} requests served, {} rejected, {} bytes\n{}",
                       number("connections"), number("connections_refused"), number("requests_served"),
                       number("requests_rejected"), number("bytes_served"), bufferTable(buffers));
}

std::string readable(const json& status) {
    const auto text = [&](const char* name) { return status.at(name).get<std::string>(); };
    const auto number = [&](const char* name) { return status.at(name).get<std::uint64_t>(); };
    std::string page = fmt::format("segment {}, {}, pid {}, up {}\n", text("name"), text("protocol"), number("pid"),
                                   formatDuration(std::chrono::seconds(number("uptime_s"))));
    page += fmt::format("{}: handshakes at port {}{}\n", text("host"), number("rpc_port"),
                        status.at("buffers").empty() ? "" : fmt::format(", data at port {}", number("data_port")));
    page += fmt::format("metadata server {}\n{}", text("metadata_server"), keyLines(status.at("keys")));
    return page + memoryPart(status) + filesPart(status);
}

}  // namespace

Result<ExitCode> status(const config::Values& values) {
    auto client = tools::connectToTarget(values, values.text("name"));
    const std::string left = leftoversNote();
    if (!client) {
        Error error = client.error();
        if (!left.empty() && error.code == ErrorCode::Unavailable) error.hint = left;
        return std::unexpected(std::move(error));
    }
    if (!left.empty() && !values.flag("quiet")) fmt::print(stderr, "note: {}\n", left);
    const auto result = client->call("status");
    if (!result) return std::unexpected(result.error());
    std::string text = *result + "\n";
    if (!values.flag("json")) {
        try {
            text = readable(json::parse(*result));
        } catch (const json::exception& error) {
            return fail(ErrorCode::Protocol, fmt::format("status: {}", error.what()),
                        "is the target of another version?");
        }
    }
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::target
