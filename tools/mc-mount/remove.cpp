#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "base/errors.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "common/output.h"
#include "mc-mount/commands.h"
#include "mc-mount/kernel.h"
#include "mc-mount/mounts.h"
#include "mc-mount/recording.h"
#include "mc-mount/settings.h"
#include "mount/unmount.h"

namespace mc::mount {
namespace {

/// The mounts that the command line means: of the state file, and what a lost one does not know any more.
Result<std::vector<MountEntry>> meant(const config::Values& values, const std::string& state_file) {
    const std::vector<std::string> words = values.texts("mount");
    if (words.empty() && !values.flag("all")) {
        return fail(ErrorCode::InvalidArgument, "no mount is named",
                    "mc-mount remove /mnt/cache removes that one; --all removes all");
    }
    auto entries = readState(state_file);
    if (!entries) return std::unexpected(entries.error());
    std::erase_if(*entries, [&](const MountEntry& entry) { return !values.flag("all") && !isMeant(entry, words); });
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    for (const std::string& word : words) {
        const auto directory = mountDirectory(word);
        if (!directory || findEntry(*entries, *directory) != nullptr) continue;
        if (const auto there = mountAt(*mounts, *directory); there && there->isOurs())
            entries->push_back({.directory = *directory, .segment = there->source, .through = "fuse"});
    }
    return entries;
}

Result<void> takeOff(const MountEntry& entry, bool force, Deadline deadline) {
    if (entry.through == "kernel") {
        if (!entry.starting || !isRunning(entry.server)) return takeOffKernel(entry, force, deadline);
        return fail(ErrorCode::Busy,
                    fmt::format("{}: process {} is mounting it", printable(entry.directory), entry.server.pid),
                    "try again when it has ended");
    }
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    const auto there = mountAt(*mounts, entry.directory);
    if (there && there->isOurs()) {
        const auto cleared = clearDead(entry.directory, *mounts, entry.server);
        if (!cleared) return std::unexpected(cleared.error());
        const bool is_named = entry.server.pid == 0;  // Nobody knows who serves it.
        if (!*cleared && (is_named || isRunning(entry.server))) {
            auto done = unmount(entry.directory, force ? Unmounting::Lazy : Unmounting::Idle, deadline);
            if (!done && done.error().code != ErrorCode::NotFound) return done;
        } else if (!*cleared) {
            log::warning("{}: what is mounted there now is another process's, and stays", printable(entry.directory));
        }
    }
    // It ends by itself; but not where somebody still has a file open, or before it has mounted.
    if (force || entry.starting) {
        if (isRunning(entry.server)) ::kill(entry.server.pid, SIGTERM);
    }
    if (waitForEnd(entry.server, deadline)) return {};
    return fail(ErrorCode::TimedOut,
                fmt::format("{}: process {} has not ended yet", printable(entry.directory), entry.server.pid),
                "--force ends it");
}

Result<void> removeEntry(const config::Values& values, const std::string& state_file, const MountEntry& entry) {
    const bool force = values.flag("force");
    const Deadline deadline = limit(values);
    if (auto off = takeOff(entry, force, deadline); !off) return off;
    if (entry.recorded) {
        if (auto forgotten = forget(entry); !forgotten) {
            if (!force) {
                Error told = wrap(fmt::format("{}: it is unmounted, but still recorded as mounted by {}",
                                              printable(entry.directory), printable(entry.recorded->server_name)),
                                  forgotten.error());
                told.hint = "--force leaves that there";
                return std::unexpected(std::move(told));
            }
            log::warning("{}", forgotten.error().message);
        }
    }
    return updateState(
        state_file,
        [&](std::vector<MountEntry>& entries) -> Result<bool> {
            const auto mounts = mountPoints();
            if (!mounts) return std::unexpected(mounts.error());
            // What was there before a mount that did not come about is meant, too.
            return std::erase_if(entries, [&](const MountEntry& other) {
                       return other.directory == entry.directory &&
                              (other.server == entry.server ||
                               (entry.starting && stateOf(other, *mounts) == MountState::Stopped));
                   }) > 0;
        },
        deadline);
}

}  // namespace

Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& stop) {
    const auto state_file = stateFile(values);
    if (!state_file) return std::unexpected(state_file.error());
    const auto entries = meant(values, *state_file);
    if (!entries) return std::unexpected(entries.error());
    const bool dry_run = values.flag("dry-run");
    if (entries->empty() && !values.flag("quiet")) fmt::print(stderr, "there was nothing to remove\n");
    Json items = Json::array();
    std::optional<Error> failure;
    for (const MountEntry& entry : *entries) {
        if (stop.received() != 0) return stop.exitCode();
        auto removed = dry_run ? Result<void>{} : removeEntry(values, *state_file, entry);
        Json item{
            {"directory", entry.directory}, {"segment", entry.segment}, {"removed", removed.has_value() && !dry_run}};
        if (!removed) {
            const Error& error = removed.error();
            item["error"] = Json{{"code", toString(error.code)}, {"message", error.message}, {"hint", error.hint}};
            if (failure) log::error("{}", failure->message);
            failure = error;
        } else if (!values.flag("quiet")) {
            fmt::print(stderr, "{} {} from {}\n", dry_run ? "would remove" : "removed", printable(entry.segment),
                       printable(entry.directory));
        }
        items.add(std::move(item));
    }
    if (failure) return std::unexpected(*failure);
    if (!values.flag("json")) return ExitCode::Ok;
    const Json document{{"schema_version", 1}, {"dry_run", dry_run}, {"items", std::move(items)}};
    if (auto printed = tools::writeData(document.line()); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::mount
