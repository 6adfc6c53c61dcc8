#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "control/file_request.h"
#include "mc-register/commands.h"
#include "mc-register/running_target.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

std::string table(const json& files) {
    using enum tools::Table::Align;
    tools::Table rows({{"FILE", Right}, {"SIZE", Right}, {"ACCESS", Left}, {"PATH", Left}});
    for (const json& file : files) {
        rows.addRow({std::to_string(file.at("number").get<std::uint64_t>()),
                     formatSize(file.at("size_bytes").get<std::uint64_t>()),
                     file.at("read_only").get<bool>() ? "read" : "read, write",
                     printable(file.at("path").get<std::string>())});
    }
    return rows.toString();
}

std::string document(const json& reply) {
    const Json document{{"schema_version", 1},        {"segment", reply.at("files_segment")},
                        {"action", "added"},          {"dry_run", reply.at("dry_run")},
                        {"files", reply.at("files")}, {"files_served", reply.at("files_served")}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void tell(const json& reply) {
    const std::string segment = printable(reply.at("files_segment").get<std::string>());
    const json& files = reply.at("files");
    if (reply.at("dry_run").get<bool>()) {
        fmt::print(stderr, "would add to {}, which has {} files now\n", segment,
                   reply.at("files_served").get<std::uint64_t>());
        return;
    }
    fmt::print(stderr, "added {} to {}; mc-register remove {} --file={} takes it back\n", describeServedFiles(files),
               segment, printable(reply.at("name").get<std::string>()), files.at(0).at("number").get<std::uint64_t>());
}

/// As the target, whose directory is another, will read them.
Result<std::vector<std::string>> absoluteRequests(const config::Values& values) {
    std::vector<std::string> texts;
    for (const auto& text : values.texts("file")) {
        const auto request = control::parseFileRequest(text);
        if (!request) return std::unexpected(values.error("file", request.error().message, request.error().hint));
        texts.push_back(control::toString(*request));
    }
    return texts;
}

}  // namespace

Result<ExitCode> runAddFiles(const config::Values& values) {
    const auto files = absoluteRequests(values);
    if (!files) return std::unexpected(files.error());
    const TargetCall call{.option = "file",
                          .method = "add_files",
                          .foreign = {"path", "memory", "if-exists", "keep-alive", "local-server-name", "protocol",
                                      "device", "nic-priority-matrix"}};
    const auto reply = callTarget(values, call, {{"files", *files}, {"force", values.flag("force")}});
    if (!reply) return std::unexpected(reply.error());
    try {
        const json answer = json::parse(*reply);
        if (!values.flag("quiet")) tell(answer);
        std::string text;
        if (values.flag("json")) {
            text = document(answer);
        } else if (!answer.at("dry_run").get<bool>()) {
            text = table(answer.at("files"));
        }
        if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    } catch (const json::exception& error) {
        return fail(ErrorCode::Protocol, fmt::format("add_files: {}", error.what()),
                    "is the target of another version?");
    }
    return ExitCode::Ok;
}

}  // namespace mc::registering
