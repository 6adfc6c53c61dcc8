#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/store_client.h"
#include "common/table.h"
#include "mc-register/commands.h"
#include "mc-register/segment.h"

namespace mc::registering {
namespace {

using metadata::SegmentKind;

constexpr std::size_t kPage = 1000;

/// Of a descriptor, what a line of the list shows.
struct Entry {
    std::string segment;
    std::string key;
    std::string version;
    std::string server_name;
    std::string protocol;
    std::size_t parts = 0;  // Files or buffers.
    std::uint64_t length = 0;
    std::size_t mounts = 0;
    std::string problem;  // Why the descriptor can't be read.
};

Entry entryOf(const metadata::Item& item, std::string segment) {
    Entry entry{.segment = std::move(segment), .key = item.key, .version = item.version};
    const auto descriptor = decodeSegmentDescriptor(item.value);
    if (!descriptor) {
        entry.problem = descriptor.error().message;
        return entry;
    }
    entry.server_name = descriptor->name;
    entry.protocol = descriptor->protocol();
    entry.parts = descriptor->legacy_files.size() + descriptor->buffers.size();
    entry.length = totalLength(*descriptor);
    entry.mounts = metadata::countMounts(*descriptor);
    return entry;
}

/// Nothing if a signal came.
Result<std::optional<std::vector<Entry>>> listAll(const config::Values& values, SegmentKind kind,
                                                  const tools::StopSignals& stop) {
    auto store = tools::openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto deadline = tools::commandDeadline(values);
    const auto names = keyNames(values);
    const std::string prefix = metadata::segmentPrefix(names, kind);
    // As an engine opens it: below "ram/" without that.
    const std::size_t cut = kind == SegmentKind::Files ? names.prefix().size() : prefix.size();
    std::vector<Entry> entries;
    std::string after;
    do {
        const auto page = (*store)->list(prefix, kPage, after, deadline);
        if (!page) return std::unexpected(page.error());
        for (const auto& item : page->items)
            entries.push_back(entryOf(item, item.key.substr(cut)));
        after = page->continuation;
        if (stop.received() != 0) return std::nullopt;
    } while (!after.empty());
    return entries;
}

std::string document(const std::vector<Entry>& entries, SegmentKind kind) {
    Json items = Json::array();
    for (const auto& entry : entries) {
        Json item{{"segment", entry.segment},
                  {"key", entry.key},
                  {"version", entry.version.empty() ? Json(nullptr) : Json(entry.version)}};
        if (!entry.problem.empty()) {
            item["problem"] = entry.problem;
        } else {
            item["server_name"] = entry.server_name;
            item["protocol"] = entry.protocol;
            item[kind == SegmentKind::Files ? "files" : "buffers"] = entry.parts;
            item["length_bytes"] = entry.length;
            if (kind == SegmentKind::Files) item["mounts"] = entry.mounts;
        }
        items.add(std::move(item));
    }
    const Json document{{"schema_version", 1}, {"items", std::move(items)}};
    return document.line();
}

std::string table(const std::vector<Entry>& entries, SegmentKind kind) {
    using enum tools::Table::Align;
    const bool files = kind == SegmentKind::Files;
    std::vector<tools::Table::Column> columns{
        {"SEGMENT", Left}, {"SERVER", Left}, {"PROTOCOL", Left}, {files ? "FILES" : "BUFFERS", Right}, {"SIZE", Right}};
    if (files) columns.push_back({"MOUNTS", Right});
    tools::Table rows(std::move(columns));
    for (const auto& entry : entries) {
        if (!entry.problem.empty()) {
            rows.addRow({printable(entry.segment), "(unreadable)"});
        } else {
            rows.addRow({printable(entry.segment), printable(entry.server_name), entry.protocol,
                         std::to_string(entry.parts), formatSize(entry.length), std::to_string(entry.mounts)});
        }
    }
    return rows.toString();
}

}  // namespace

Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop) {
    const SegmentKind kind = values.flag("memory") ? SegmentKind::Memory : SegmentKind::Files;
    const auto entries = listAll(values, kind, stop);
    if (!entries) return std::unexpected(entries.error());
    if (!*entries) return stop.exitCode();
    for (const auto& entry : **entries) {
        if (!entry.problem.empty())
            fmt::print(stderr, "warning: {}: {}\n", printable(entry.key), printable(entry.problem));
    }
    const std::string text = values.flag("json") ? document(**entries, kind) : table(**entries, kind);
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::registering
