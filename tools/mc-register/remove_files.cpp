#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "common/output.h"
#include "control/served_files.h"
#include "mc-register/commands.h"
#include "mc-register/running_target.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

// In a dry run they are still there.
std::uint64_t left(const json& reply) {
    const auto served = reply.at("files_served").get<std::uint64_t>();
    return reply.at("dry_run").get<bool>() ? served - reply.at("files").size() : served;
}

std::string document(const json& reply) {
    const Json document{{"schema_version", 1},
                        {"segment", reply.at("files_segment")},
                        {"removed", !reply.at("files").empty()},
                        {"dry_run", reply.at("dry_run")},
                        {"files", reply.at("files")},
                        {"files_left", left(reply)}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void tell(const json& reply) {
    const std::string segment = printable(reply.at("files_segment").get<std::string>());
    const json& files = reply.at("files");
    if (files.empty()) {
        fmt::print(stderr, "{}: there was nothing to remove\n", segment);
        return;
    }
    fmt::print(stderr, "{} {} of {}, {} left\n", reply.at("dry_run").get<bool>() ? "would remove" : "removed",
               describeServedFiles(files), segment, left(reply));
}

/// As the target, whose directory is another, will read them.
Result<std::vector<std::string>> absoluteNames(const config::Values& values) {
    std::vector<std::string> names;
    for (const auto& text : values.texts("file")) {
        const auto name = control::parseFileName(text);
        if (!name) return std::unexpected(values.error("file", name.error().message, name.error().hint));
        names.push_back(control::toString(*name));
    }
    return names;
}

}  // namespace

Result<ExitCode> runRemoveFiles(const config::Values& values) {
    const auto names = absoluteNames(values);
    if (!names) return std::unexpected(names.error());
    const TargetCall call{.option = "file", .method = "remove_files", .foreign = {"path", "memory"}};
    const auto reply =
        callTarget(values, call, {{"files", *names}, {"ignore_missing", values.text("if-missing") == "ok"}});
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
        return fail(ErrorCode::Protocol, fmt::format("remove_files: {}", error.what()),
                    "is the target of another version?");
    }
    return ExitCode::Ok;
}

}  // namespace mc::registering
