#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "common/target_client.h"
#include "mc-target/commands.h"

namespace mc::target {
namespace {

using nlohmann::json;

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

std::string readable(const json& status) {
    const auto text = [&](const char* name) { return status.at(name).get<std::string>(); };
    const auto number = [&](const char* name) { return status.at(name).get<std::uint64_t>(); };
    std::string page = fmt::format("segment {}, {}, pid {}, up {}\n", text("name"), text("protocol"), number("pid"),
                                   formatDuration(std::chrono::seconds(number("uptime_s"))));
    page += fmt::format("{}: handshakes at port {}, data at port {}\n", text("host"), number("rpc_port"),
                        number("data_port"));
    page += fmt::format("{} connections ({} refused), {} requests served, {} rejected, {} bytes\n",
                        number("connections"), number("connections_refused"), number("requests_served"),
                        number("requests_rejected"), number("bytes_served"));
    page += fmt::format("metadata server {}\n{}", text("metadata_server"), keyLines(status.at("keys")));
    return page + bufferTable(status.at("buffers"));
}

}  // namespace

Result<ExitCode> status(const config::Values& values) {
    auto client = tools::connectToTarget(values, values.text("name"));
    if (!client) return std::unexpected(client.error());
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
