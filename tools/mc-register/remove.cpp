#include <fmt/format.h>

#include <cstdio>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "common/store_client.h"
#include "mc-register/commands.h"
#include "mc-register/segment.h"
#include "metadata/static_segment.h"

namespace mc::registering {
namespace {

using metadata::Change;
using metadata::SegmentKey;
using metadata::Withdrawal;

// The whole segment, or nothing at all.
bool isWhole(const config::Values& values) {
    return values.texts("path").empty();
}

std::string document(const SegmentKey& segment, const Withdrawal& withdrawal, const config::Values& values) {
    const auto& updated = withdrawal.update;
    const bool dry_run = values.flag("dry-run");
    const Json document{{"schema_version", 1},
                        {"segment", segment.name},
                        {"key", segment.key},
                        {"removed", updated.done != Change::Kind::None},
                        {"dry_run", dry_run},
                        {"version", updated.version.empty() ? Json(nullptr) : Json(updated.version)},
                        {"guarded", dry_run ? Json(nullptr) : Json(updated.guarded)},
                        {"files", withdrawal.files},
                        {"files_left", withdrawal.files_left},
                        {"mounts_lost", withdrawal.mounts_lost}};
    return document.line();
}

void tell(const SegmentKey& segment, const Withdrawal& withdrawal, const config::Values& values) {
    if (withdrawal.update.done == Change::Kind::None) {
        fmt::print(stderr, "{}: there was nothing to remove\n", printable(segment.key));
        return;
    }
    const char* const removed = values.flag("dry-run") ? "would remove" : "removed";
    std::string text = isWhole(values)
                           ? fmt::format("{} {}", removed, printable(segment.key))
                           : fmt::format("{} {} of {}, {} left", removed, counted(withdrawal.files.size(), "file"),
                                         printable(segment.key), withdrawal.files_left);
    if (withdrawal.mounts_lost > 0) text += fmt::format("; {} lost", counted(withdrawal.mounts_lost, "recorded mount"));
    fmt::print(stderr, "{}\n", text);
    if (withdrawal.moved) fmt::print(stderr, "note: files behind them begin at other offsets of the segment\n");
}

}  // namespace

Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& /*stop*/) {
    if (values.given("buffer")) return runRemoveBuffers(values);
    if (values.given("file")) return runRemoveFiles(values);
    if (values.given("control-socket"))
        return std::unexpected(values.error("control-socket", "is of a running target"));
    const auto segment = namedSegment(values);
    if (!segment) return std::unexpected(segment.error());
    if (!isWhole(values) && segment->kind == metadata::SegmentKind::Memory)
        return std::unexpected(values.error("path", "is a file, which memory has not"));
    auto store = tools::openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto if_missing = values.text("if-missing") == "ok" ? metadata::IfMissing::Ok : metadata::IfMissing::Fail;
    const auto withdrawal =
        metadata::withdrawStatic(staticSegment(values, **store, *segment), values.texts("path"), if_missing);
    if (!withdrawal) {
        Error error = withdrawal.error();
        if (error.code == ErrorCode::NotFound) error.hint = "--if-missing=ok takes that for success";
        return std::unexpected(std::move(error));
    }
    tools::warnIfUnguarded(withdrawal->update, segment->key);
    if (!values.flag("quiet")) tell(*segment, *withdrawal, values);
    if (!values.flag("json")) return ExitCode::Ok;
    if (auto printed = tools::writeData(document(*segment, *withdrawal, values)); !printed)
        return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::registering
