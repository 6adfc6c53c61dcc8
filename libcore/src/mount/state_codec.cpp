// The text of the state file.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "mount/state_file.h"

namespace mc::mount {
namespace {

using nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

OrderedJson toJson(const MountEntry& entry) {
    OrderedJson files = OrderedJson::array();
    for (const EntryFile& file : entry.files) {
        OrderedJson item{{"name", file.name}, {"number", file.number}, {"path", file.path}, {"size_bytes", file.size}};
        if (!file.identity.empty()) item["namespace"] = file.identity;
        files.push_back(std::move(item));
    }
    OrderedJson item{
        {"directory", entry.directory},   {"segment", entry.segment}, {"through", entry.through},
        {"options", entry.options},       {"pid", entry.server.pid},  {"started_ticks", entry.server.started},
        {"controller", entry.controller}, {"device", entry.device},   {"starting", entry.starting},
        {"supervised", entry.supervised}, {"created", entry.created}, {"files", std::move(files)}};
    if (entry.recorded) item["recorded"] = {{"key", entry.recorded->key}, {"server_name", entry.recorded->server_name}};
    return item;
}

MountEntry toEntry(const json& item) {
    MountEntry entry{
        .directory = item.at("directory").get<std::string>(),
        .segment = item.at("segment").get<std::string>(),
        .through = item.at("through").get<std::string>(),
        .options = item.at("options").get<std::vector<std::string>>(),
        .server = {.pid = item.at("pid").get<pid_t>(), .started = item.at("started_ticks").get<std::uint64_t>()},
        .controller = item.at("controller").get<std::string>(),
        .device = item.at("device").get<std::string>(),
        .starting = item.at("starting").get<bool>(),
        .supervised = item.at("supervised").get<bool>(),
        .created = item.at("created").get<std::string>(),
        .files = {},
        .recorded = {}};
    for (const json& file : item.at("files")) {
        entry.files.push_back({.name = file.at("name").get<std::string>(),
                               .number = file.at("number").get<std::uint64_t>(),
                               .path = file.at("path").get<std::string>(),
                               .size = file.at("size_bytes").get<std::uint64_t>(),
                               .identity = file.value("namespace", "")});
    }
    if (const auto recorded = item.find("recorded"); recorded != item.end()) {
        entry.recorded = Recorded{.key = recorded->at("key").get<std::string>(),
                                  .server_name = recorded->at("server_name").get<std::string>()};
    }
    return entry;
}

}  // namespace

std::string encodeState(const std::vector<MountEntry>& entries) {
    std::string text = fmt::format("{{\"schema_version\": {}, \"mounts\": [", kSchemaVersion);
    const char* before = "\n";
    for (const MountEntry& entry : entries) {
        text += before + toJson(entry).dump(-1, ' ', false, json::error_handler_t::replace);
        before = ",\n";
    }
    return text + "\n]}\n";
}

Result<std::vector<MountEntry>> decodeState(std::string_view text) {
    try {
        const json document = json::parse(text);
        if (document.at("schema_version").get<int>() != kSchemaVersion)
            return fail(ErrorCode::BadData, "it was written by another version of mc-mount");
        std::vector<MountEntry> entries;
        for (const json& item : document.at("mounts"))
            entries.push_back(toEntry(item));
        return entries;
    } catch (const json::exception& error) {
        return fail(ErrorCode::BadData, error.what());
    }
}

}  // namespace mc::mount
