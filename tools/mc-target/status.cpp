#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/errors.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "control/client.h"
#include "control/control_socket.h"
#include "mc-target/commands.h"

namespace mc::target {
namespace {

using nlohmann::json;
using Path = std::filesystem::path;
using std::chrono::milliseconds;

std::unexpected<Error> noneRuns(const Path& directory) {
    return fail(ErrorCode::Unavailable, fmt::format("no target is running: {} has no live socket", directory.native()),
                "start one with mc-target --memory 1GiB, or name its socket with --control-socket");
}

/// A connection to the only target whose socket is in the directory.
Result<control::ControlClient> connectToOnly(const Path& directory, milliseconds timeout) {
    std::optional<control::ControlClient> found;
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (entry.path().extension() != ".sock") continue;
        auto client = control::ControlClient::connect(entry.path(), timeout);
        if (!client && client.error().code == ErrorCode::Unavailable) continue;  // What a killed one has left.
        if (!client) return client;
        names.push_back(entry.path().stem().string());
        found = std::move(*client);
    }
    if (names.empty()) return noneRuns(directory);
    if (names.size() == 1) return std::move(*found);
    std::ranges::sort(names);
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} targets are running: {}", names.size(), fmt::join(names, ", ")),
                fmt::format("name one: mc-target status {}", names.front()));
}

Result<control::ControlClient> connect(const config::Values& values) {
    const auto timeout = std::chrono::ceil<milliseconds>(values.duration("timeout"));
    const std::string name = values.text("name");
    const std::string socket = values.text("control-socket");
    if (!socket.empty() && !name.empty())
        return std::unexpected(values.error("control-socket", "can't be combined with a name"));
    if (!socket.empty()) return control::ControlClient::connect(socket, timeout);
    const Path directory = control::socketDirectory();
    if (auto own = control::expectOwnDirectory(directory); !own) return std::unexpected(own.error());
    if (name.empty()) return connectToOnly(directory, timeout);
    return control::ControlClient::connect(control::socketPath(directory, name), timeout);
}

std::string bufferTable(const json& buffers) {
    using Align = tools::Table::Align;
    tools::Table table(
        {{"Buffer"}, {"Size"}, {"Location", Align::Left}, {"Pages", Align::Left}, {"Locked", Align::Left}});
    std::size_t number = 0;
    for (const json& buffer : buffers) {
        const bool joined = buffer.at("transparent_huge_pages").get<bool>();
        table.addRow({std::to_string(number++), formatSize(buffer.at("length_bytes").get<std::uint64_t>()),
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
    auto client = connect(values);
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
