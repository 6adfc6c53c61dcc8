#include "mc-register/served_items.h"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;
using enum tools::Table::Align;

std::uint64_t number(const json& item, const char* member) {
    return item.at(member).get<std::uint64_t>();
}

std::string bufferTable(const json& buffers) {
    tools::Table rows({{"BUFFER", Right}, {"ADDRESS", Right}, {"SIZE", Right}, {"LOCATION", Left}});
    for (const json& buffer : buffers) {
        rows.addRow({std::to_string(number(buffer, "number")), fmt::format("{:#x}", number(buffer, "addr")),
                     formatSize(number(buffer, "length_bytes")), printable(buffer.at("location").get<std::string>())});
    }
    return rows.toString();
}

std::string fileTable(const json& files) {
    tools::Table rows({{"FILE", Right}, {"SIZE", Right}, {"ACCESS", Left}, {"PATH", Left}});
    for (const json& file : files) {
        rows.addRow({std::to_string(number(file, "number")), formatSize(number(file, "size_bytes")),
                     file.at("read_only").get<bool>() ? "read" : "read, write",
                     printable(file.at("path").get<std::string>())});
    }
    return rows.toString();
}

/// A reply, read as what it says of those items.
struct Reply {
    const ServedItems& items;
    const json answer;

    const json& changed() const { return answer.at(items.members); }
    std::string served() const { return std::string(items.members) + "_served"; }
    bool isDryRun() const { return answer.at("dry_run").get<bool>(); }
    std::string segment() const { return printable(answer.at(items.segment).get<std::string>()); }
    /// "2 buffers, 3GiB".
    std::string description() const {
        std::uint64_t total = 0;
        for (const json& item : changed())
            total += number(item, items.length);
        return fmt::format("{}, {}", counted(changed().size(), items.option), formatSize(total));
    }
    // In a dry run those that would be removed are still there.
    std::uint64_t left() const {
        const std::uint64_t there = number(answer, served().c_str());
        return isDryRun() ? there - changed().size() : there;
    }
};

std::string lineOf(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string documentOfAdded(const Reply& reply) {
    return lineOf({{"schema_version", 1},
                   {"segment", reply.answer.at(reply.items.segment)},
                   {"action", "added"},
                   {"dry_run", reply.isDryRun()},
                   {reply.items.members, reply.changed()},
                   {reply.served(), reply.answer.at(reply.served())}});
}

std::string documentOfRemoved(const Reply& reply) {
    return lineOf({{"schema_version", 1},
                   {"segment", reply.answer.at(reply.items.segment)},
                   {"removed", !reply.changed().empty()},
                   {"dry_run", reply.isDryRun()},
                   {reply.items.members, reply.changed()},
                   {std::string(reply.items.members) + "_left", reply.left()}});
}

void tellAdded(const Reply& reply) {
    if (reply.isDryRun()) {
        fmt::print(stderr, "would add to {}, which has {} now\n", reply.segment(),
                   counted(number(reply.answer, reply.served().c_str()), reply.items.option));
        return;
    }
    fmt::print(stderr, "added {} to {}; mc-register remove {} --{}={} takes it back\n", reply.description(),
               reply.segment(), printable(reply.answer.at("name").get<std::string>()), reply.items.option,
               number(reply.changed().at(0), "number"));
}

void tellRemoved(const Reply& reply) {
    if (reply.changed().empty()) {
        fmt::print(stderr, "{}: there was nothing to remove\n", reply.segment());
        return;
    }
    fmt::print(stderr, "{} {} of {}, {} left\n", reply.isDryRun() ? "would remove" : "removed", reply.description(),
               reply.segment(), reply.left());
}

/// What a reply without one of its members is.
Result<ExitCode> print(std::string_view method, const std::function<Result<void>()>& printing) {
    try {
        if (auto printed = printing(); !printed) return std::unexpected(printed.error());
    } catch (const json::exception& error) {
        return fail(ErrorCode::Protocol, fmt::format("{}: {}", method, error.what()),
                    "is the target of another version?");
    }
    return ExitCode::Ok;
}

}  // namespace

const ServedItems& servedBuffers() {
    static constexpr ServedItems kBuffers{
        .option = "buffer", .members = "buffers", .segment = "name", .length = "length_bytes", .table = bufferTable};
    return kBuffers;
}

const ServedItems& servedFiles() {
    static constexpr ServedItems kFiles{
        .option = "file", .members = "files", .segment = "files_segment", .length = "size_bytes", .table = fileTable};
    return kFiles;
}

Result<ExitCode> addItems(const config::Values& values, const ServedItems& items, const TargetCall& call,
                          nlohmann::json params) {
    const auto text = callTarget(values, call, std::move(params));
    if (!text) return std::unexpected(text.error());
    return print(call.method, [&] {
        const Reply reply{items, json::parse(*text)};
        if (!values.flag("quiet")) tellAdded(reply);
        if (values.flag("json")) return tools::writeData(documentOfAdded(reply));
        return tools::writeData(reply.isDryRun() ? std::string() : items.table(reply.changed()));
    });
}

Result<ExitCode> removeItems(const config::Values& values, const ServedItems& items, const TargetCall& call,
                             nlohmann::json params) {
    params["ignore_missing"] = values.text("if-missing") == "ok";
    const auto text = callTarget(values, call, std::move(params));
    if (!text) {
        Error error = text.error();
        if (error.code == ErrorCode::NotFound) error.hint = "mc-target status shows those that there are";
        return std::unexpected(std::move(error));
    }
    return print(call.method, [&] {
        const Reply reply{items, json::parse(*text)};
        if (!values.flag("quiet")) tellRemoved(reply);
        return values.flag("json") ? tools::writeData(documentOfRemoved(reply)) : Result<void>();
    });
}

}  // namespace mc::registering
