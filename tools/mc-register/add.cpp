#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/store_client.h"
#include "mc-register/commands.h"
#include "mc-register/describe.h"
#include "mc-register/keep_alive.h"
#include "mc-register/segment.h"
#include "metadata/static_segment.h"

namespace mc::registering {
namespace {

using Json = nlohmann::ordered_json;
using metadata::IfExists;
using metadata::Publication;
using metadata::SegmentKey;
using metadata::SegmentKind;

Result<IfExists> ifExists(const config::Values& values, SegmentKind kind) {
    const std::string word = values.text("if-exists");
    if (word == "keep") return IfExists::Keep;
    if (word == "replace") return IfExists::Replace;
    if (word != "merge") return IfExists::Fail;
    if (kind == SegmentKind::Memory) return std::unexpected(values.error("if-exists", "is for files only"));
    return IfExists::Merge;
}

Result<SegmentDescriptor> describe(const config::Values& values, const SegmentKey& segment) {
    if (values.flag("memory")) return describeMemory(values, segment);
    if (segment.kind == SegmentKind::Memory)
        return std::unexpected(values.error("segment", "is one of memory", "give --memory"));
    for (const auto* name : {"protocol", "device", "nic-priority-matrix"}) {
        if (values.given(name)) return std::unexpected(values.error(name, "is of --memory"));
    }
    return describeFiles(values);
}

std::string document(const SegmentKey& segment, const Publication& publication, bool dry_run) {
    const auto& updated = publication.update;
    const Json document{{"schema_version", 1},
                        {"segment", segment.name},
                        {"key", segment.key},
                        {"action", toString(publication.action)},
                        {"dry_run", dry_run},
                        {"version", updated.version.empty() ? Json(nullptr) : Json(updated.version)},
                        {"guarded", dry_run ? Json(nullptr) : Json(updated.guarded)},
                        {"files_added", publication.files_added},
                        {"mounts_lost", publication.mounts_lost},
                        {"descriptor", publication.json.empty() ? Json(nullptr) : Json::parse(publication.json)}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string sentence(const SegmentKey& segment, const Publication& publication, bool dry_run) {
    const bool would = dry_run && !publication.json.empty();
    std::string text =
        fmt::format("{}{} {}", would ? "would have " : "", toString(publication.action), printable(segment.key));
    if (const auto written = decodeSegmentDescriptor(publication.json); written && segment.kind == SegmentKind::Files) {
        const std::size_t files = written->legacy_files.size();
        text += fmt::format(": {}, {}", counted(files, "file"), formatSize(totalLength(*written)));
        if (publication.action == Publication::Action::Merged)
            text += fmt::format(" ({} new)", publication.files_added);
    }
    if (publication.mounts_lost > 0)
        text += fmt::format("; {} lost", counted(publication.mounts_lost, "recorded mount"));
    return text;
}

void tell(const SegmentKey& segment, const Publication& publication, bool dry_run) {
    fmt::print(stderr, "{}\n", sentence(segment, publication, dry_run));
    if (dry_run || publication.action != Publication::Action::Created) return;
    if (segment.kind == SegmentKind::Files) {
        fmt::print(stderr, "engines open it as {}; mc-register show {}\n", printable(segment.name),
                   printable(segment.name));
    } else {
        fmt::print(stderr, "its engine is the one with --local_server_name={}; mc-register show ram/{}\n",
                   printable(segment.name), printable(segment.name));
    }
}

}  // namespace

Result<ExitCode> runAdd(const config::Values& values, tools::StopSignals& stop) {
    if (values.given("buffer")) return runAddBuffers(values);
    if (values.given("file")) return runAddFiles(values);
    for (const auto* name : {"control-socket", "force"}) {
        if (values.given(name)) return std::unexpected(values.error(name, "is of a running target"));
    }
    const auto segment = namedSegment(values);
    if (!segment) return std::unexpected(segment.error());
    const auto if_exists = ifExists(values, segment->kind);
    if (!if_exists) return std::unexpected(if_exists.error());
    if (values.flag("dry-run") && values.given("keep-alive"))
        return std::unexpected(values.error("keep-alive", "can't be combined with --dry-run"));
    const auto descriptor = describe(values, *segment);
    if (!descriptor) return std::unexpected(descriptor.error());
    auto store = tools::openClient(values);
    if (!store) return std::unexpected(store.error());
    const bool dry_run = values.flag("dry-run");
    const auto publication = metadata::publishStatic(staticSegment(values, **store, *segment), *descriptor, *if_exists);
    if (!publication) return std::unexpected(publication.error());
    tools::warnIfUnguarded(publication->update, segment->key);
    if (!values.flag("quiet")) tell(*segment, *publication, dry_run);
    std::string output;
    if (values.flag("json")) {
        output = document(*segment, *publication, dry_run);
    } else if (dry_run && !publication->json.empty()) {
        output = publication->json + "\n";
    }
    if (auto printed = tools::writeData(output); !printed) return std::unexpected(printed.error());
    if (values.duration("keep-alive").count() == 0) return ExitCode::Ok;
    const std::string json = publication->json.empty() ? encodeSegmentDescriptor(*descriptor) : publication->json;
    metadata::KeptSegment kept(**store, *segment, json);
    return keepAlive(values, kept, segment->key, stop);
}

}  // namespace mc::registering
