#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "common/output.h"
#include "control/served_memory.h"
#include "mc-register/commands.h"
#include "mc-register/running_target.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

// In a dry run they are still there.
std::uint64_t left(const json& reply) {
    const auto served = reply.at("buffers_served").get<std::uint64_t>();
    return reply.at("dry_run").get<bool>() ? served - reply.at("buffers").size() : served;
}

std::string document(const json& reply) {
    const Json document{{"schema_version", 1},
                        {"segment", reply.at("name")},
                        {"removed", !reply.at("buffers").empty()},
                        {"dry_run", reply.at("dry_run")},
                        {"buffers", reply.at("buffers")},
                        {"buffers_left", left(reply)}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void tell(const json& reply) {
    const std::string name = printable(reply.at("name").get<std::string>());
    const json& buffers = reply.at("buffers");
    if (buffers.empty()) {
        fmt::print(stderr, "{}: there was nothing to remove\n", name);
        return;
    }
    fmt::print(stderr, "{} {} of {}, {} left\n", reply.at("dry_run").get<bool>() ? "would remove" : "removed",
               describeBuffers(buffers), name, left(reply));
}

}  // namespace

Result<ExitCode> runRemoveBuffers(const config::Values& values) {
    const auto names = values.texts("buffer");
    for (const auto& text : names) {
        const auto name = control::parseBufferName(text);
        if (!name) return std::unexpected(values.error("buffer", name.error().message, name.error().hint));
    }
    const json params{{"buffers", names}, {"ignore_missing", values.text("if-missing") == "ok"}};
    const TargetCall call{.option = "buffer", .method = "remove_memory", .foreign = {"file", "path", "memory"}};
    const auto reply = callTarget(values, call, params);
    if (!reply) {
        Error error = reply.error();
        if (error.code == ErrorCode::NotFound) error.hint = "mc-target status shows those that there are";
        return std::unexpected(std::move(error));
    }
    try {
        const json answer = json::parse(*reply);
        if (!values.flag("quiet")) tell(answer);
        if (!values.flag("json")) return ExitCode::Ok;
        if (auto printed = tools::writeData(document(answer)); !printed) return std::unexpected(printed.error());
    } catch (const json::exception& error) {
        return fail(ErrorCode::Protocol, fmt::format("remove_memory: {}", error.what()),
                    "is the target of another version?");
    }
    return ExitCode::Ok;
}

}  // namespace mc::registering
