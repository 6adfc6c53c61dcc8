#include "metadata/gc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "common/confirm.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "mc-meta/diagnosis.h"
#include "mc-meta/gc_report.h"
#include "mc-meta/output_file.h"
#include "metadata/inventory.h"

namespace mc::meta {
namespace {

using metadata::GarbageCollector;
using Fate = metadata::GcCandidate::Fate;

Result<std::string> undoFile(const config::Values& values) {
    std::error_code none;
    if (!values.given("undo")) {
        const std::string stem = utcTime("mc-meta-gc-%Y%m%dT%H%M%SZ");
        std::string name = stem + ".jsonl";
        for (int i = 2; std::filesystem::exists(name, none); ++i)
            name = fmt::format("{}-{}.jsonl", stem, i);
        return name;
    }
    std::string path = values.text("undo");
    if (path == "-") return std::unexpected(values.error("undo", "is no file", "what is removed must not get lost"));
    if (std::filesystem::exists(path, none)) {
        return fail(ErrorCode::CannotCreate, fmt::format("create {}: File exists", path),
                    "it may be all that is left of other segments: name a new one");
    }
    return path;
}

Result<std::vector<metadata::SegmentSummary>> look(const config::Values& values, metadata::Store& store,
                                                   const metadata::KeyNames& keys, const std::stop_token& stop) {
    const auto deadline = commandDeadline(values);
    std::vector<metadata::SegmentSummary> segments;
    for (const auto& name : values.texts("segment")) {
        auto one = metadata::inspectSegment(store, keys, name, deadline);
        if (!one) return std::unexpected(one.error());
        const bool twice = std::ranges::find(segments, name, &metadata::SegmentSummary::name) != segments.end();
        if (!twice) segments.push_back(std::move(*one));
    }
    if (!segments.empty()) return segments;
    auto all = metadata::takeInventory(store, keys, deadline, stop);
    if (!all) return std::unexpected(all.error());
    const std::string prefix = values.text("prefix");
    std::erase_if(all->segments, [&](const auto& segment) { return !segment.name.starts_with(prefix); });
    return std::move(all->segments);
}

metadata::GcRules rules(const config::Values& values) {
    metadata::GcRules rules;
    rules.silent_is_dead = values.flag("silent-is-dead");
    rules.loopback_is_here = loopbackIsHere(values);
    if (values.given("older-than"))
        rules.older_than = std::chrono::ceil<std::chrono::seconds>(values.duration("older-than"));
    return rules;
}

GarbageCollector::Ask askAll(const config::Values& values, const tools::StopSignals& stop) {
    return [options = probeOptions(values), &stop](const std::vector<metadata::RpcMeta>& owners) {
        std::vector<metadata::OwnerProbe> answers(owners.size());
        const auto ask = [&](std::size_t i) { answers[i] = metadata::askOwner(owners[i], options); };
        metadata::manyAtOnce(owners.size(), ask, stop.token());
        return answers;
    };
}

/// One run, from the first look to the report.
class Run {
  public:
    Run(const config::Values& values, metadata::Store& store, tools::StopSignals& stop, std::string undo_file)
        : values_(values),
          store_(store),
          stop_(stop),
          undo_file_(std::move(undo_file)),
          keys_(values.text("cluster-id")),
          deadline_(commandDeadline(values)),
          collector_(store, keys_, rules(values), askAll(values, stop)) {}

    Result<ExitCode> run() {
        if (auto planned = plan(); !planned) return std::unexpected(planned.error());
        if (stop_.received() != 0) return stop_.exitCode();
        const bool nothing = report_.count(Fate::Condemned) == 0;
        if (nothing || values_.flag("dry-run")) return tell();
        const bool yes = values_.flag("yes");
        if (!yes && (values_.flag("json") || !tools::canAsk())) return tell();
        if (metadata::isUnguarded(report_.candidates) && !values_.flag("without-conditions")) return refuse();
        if (!yes) {
            if (auto printed = tools::writeData(lines(report_)); !printed) return std::unexpected(printed.error());
            const auto agreed = tools::confirm("Remove them?", stop_);
            if (!agreed) return std::unexpected(agreed.error());
            if (stop_.received() != 0) return stop_.exitCode();
            if (!*agreed) return ExitCode::Ok;
        }
        return remove();
    }

  private:
    Result<void> plan() {
        auto segments = look(values_, store_, keys_, stop_.token());
        if (!segments) return std::unexpected(segments.error());
        auto& candidates = report_.candidates;
        candidates = collector_.suspects(*segments);
        collector_.probe(candidates);
        if (auto read = collector_.read(candidates, deadline_, stop_.token()); !read) return read;
        if (report_.count(Fate::Condemned) == 0) return {};
        if (stop_.wait(values_.duration("probe-interval"))) return {};
        collector_.probe(candidates);
        return {};
    }

    Result<ExitCode> refuse() const {
        return fail(ErrorCode::Unsupported,
                    fmt::format("gc: {} knows no conditions: what is published at this moment might be removed",
                                withoutCredentials(values_.text("metadata-server"))),
                    "--without-conditions takes that risk");
    }

    Result<void> writeUndo() {
        auto file = OutputFile::create(undo_file_);
        if (!file) return std::unexpected(file.error());
        if (auto done = file->write(metadata::undoDump(report_.candidates, keys_.prefix())); !done) return done;
        if (auto done = file->finishNew(); !done) return done;
        report_.undo_file = undo_file_;
        report_.undo_command = nextCommand(values_, "restore --yes", undo_file_);
        return {};
    }

    Result<ExitCode> remove() {
        if (auto written = writeUndo(); !written) return std::unexpected(written.error());
        report_.applied = true;
        const auto pause = [this] { stop_.wait(values_.duration("probe-interval")); };
        auto removed = collector_.remove(report_.candidates, pause, deadline_, stop_.token());
        if (!removed) report_.error = std::move(removed.error());
        auto told = tell();
        if (told && stop_.received() != 0) return stop_.exitCode();
        return told;
    }

    // An error stands in the document with what had been done before it.
    Result<ExitCode> tell() {
        const bool json = values_.flag("json");
        const bool quiet = values_.flag("quiet");
        if (auto printed = tools::writeData(json ? document(report_) : lines(report_)); !printed)
            return std::unexpected(printed.error());
        if (!report_.applied && metadata::isUnguarded(report_.candidates))
            fmt::print(stderr, "warning: this server knows no conditions: --yes needs --without-conditions, too\n");
        if (!quiet || report_.error) fmt::print(stderr, "{}\n", summary(report_));
        if (!report_.undo_file.empty() && (!quiet || report_.error))
            fmt::print(stderr, "undo: {}\n", report_.undo_command);
        if (report_.error && !json) return std::unexpected(*report_.error);
        if (report_.error) {
            fmt::print(stderr, "mc-meta: {}\n", report_.error->message);
            return exitCode(report_.error->code);
        }
        return report_.count(Fate::Failed) > 0 ? ExitCode::Io : ExitCode::Ok;
    }

    const config::Values& values_;
    metadata::Store& store_;
    tools::StopSignals& stop_;
    const std::string undo_file_;
    const metadata::KeyNames keys_;
    const Deadline deadline_;
    const GarbageCollector collector_;
    GcReport report_;
};

}  // namespace

Result<ExitCode> runGc(const config::Values& values, tools::StopSignals& stop) {
    if (values.flag("yes") && values.flag("dry-run"))
        return std::unexpected(values.error("dry-run", "can't be combined with --yes"));
    if (values.given("segment") && values.given("prefix"))
        return std::unexpected(values.error("prefix", "can't be combined with the names of segments"));
    auto undo_file = undoFile(values);
    if (!undo_file) return std::unexpected(undo_file.error());
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    return Run(values, **store, stop, std::move(*undo_file)).run();
}

}  // namespace mc::meta
