#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "control/memory_request.h"
#include "mc-register/commands.h"
#include "mc-register/running_target.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

std::string table(const json& buffers) {
    using enum tools::Table::Align;
    tools::Table rows({{"BUFFER", Right}, {"ADDRESS", Right}, {"SIZE", Right}, {"LOCATION", Left}});
    for (const json& buffer : buffers) {
        rows.addRow({std::to_string(buffer.at("number").get<std::uint64_t>()),
                     fmt::format("{:#x}", buffer.at("addr").get<std::uint64_t>()),
                     formatSize(buffer.at("length_bytes").get<std::uint64_t>()),
                     printable(buffer.at("location").get<std::string>())});
    }
    return rows.toString();
}

std::string document(const json& reply) {
    const bool dry_run = reply.at("dry_run").get<bool>();
    const Json document{
        {"schema_version", 1}, {"segment", reply.at("name")},    {"action", "added"},
        {"dry_run", dry_run},  {"buffers", reply.at("buffers")}, {"buffers_served", reply.at("buffers_served")}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void tell(const json& reply) {
    const std::string name = printable(reply.at("name").get<std::string>());
    const json& buffers = reply.at("buffers");
    if (reply.at("dry_run").get<bool>()) {
        fmt::print(stderr, "would add to {}, which serves {} now\n", name,
                   reply.at("buffers_served").get<std::uint64_t>());
        return;
    }
    fmt::print(stderr, "added {} to {}; mc-register remove {} --buffer={} takes it back\n", describeBuffers(buffers),
               name, name, buffers.at(0).at("number").get<std::uint64_t>());
}

}  // namespace

Result<ExitCode> runAddBuffers(const config::Values& values) {
    const auto sizes = values.texts("buffer");
    for (const auto& text : sizes) {
        const auto request = control::parseMemoryRequest(text);
        if (!request) return std::unexpected(values.error("buffer", request.error().message, request.error().hint));
    }
    const TargetCall call{.option = "buffer",
                          .method = "add_memory",
                          .foreign = {"file", "force", "path", "memory", "if-exists", "keep-alive", "local-server-name",
                                      "protocol", "device", "nic-priority-matrix"}};
    const auto reply = callTarget(values, call, {{"memory", sizes}});
    if (!reply) return std::unexpected(reply.error());
    try {
        const json answer = json::parse(*reply);
        if (!values.flag("quiet")) tell(answer);
        std::string text;
        if (values.flag("json")) {
            text = document(answer);
        } else if (!answer.at("dry_run").get<bool>()) {
            text = table(answer.at("buffers"));
        }
        if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    } catch (const json::exception& error) {
        return fail(ErrorCode::Protocol, fmt::format("add_memory: {}", error.what()),
                    "is the target of another version?");
    }
    return ExitCode::Ok;
}

}  // namespace mc::registering
