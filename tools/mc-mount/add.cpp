#include <fmt/format.h>

#include <cstdio>

#include "base/errors.h"
#include "base/json.h"
#include "base/sd_notify.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "mc-mount/background.h"
#include "mc-mount/commands.h"
#include "mc-mount/kernel.h"
#include "mc-mount/mounts.h"
#include "mc-mount/recording.h"
#include "mc-mount/serve.h"
#include "mount/fuse_checks.h"

namespace mc::mount {
namespace {

std::string table(const MountEntry& entry) {
    using enum tools::Table::Align;
    tools::Table rows({{"FILE", Right}, {"SIZE", Right}, {"NAME", Left}, {"PATH", Left}});
    for (const EntryFile& file : entry.files) {
        rows.addRow({std::to_string(file.number), formatSize(file.size), printable(file.name), printable(file.path)});
    }
    return rows.toString();
}

std::string describeFiles(const MountEntry& entry) {
    std::uint64_t size = 0;
    for (const EntryFile& file : entry.files)
        size += file.size;
    return fmt::format("{}, {}", counted(entry.files.size(), "file"), formatSize(size));
}

void tell(const MountEntry& entry, std::string_view action) {
    const std::string directory = printable(entry.directory);
    if (action == "planned") {
        fmt::print(stderr, "would mount {} at {}: {}\n", printable(entry.segment), directory, describeFiles(entry));
        return;
    }
    if (action == "unchanged") {
        fmt::print(stderr, "{} is mounted at {} already\n", printable(entry.segment), directory);
        return;
    }
    const std::string by = entry.server.pid != 0 ? fmt::format("served by process {}", entry.server.pid)
                                                 : fmt::format("through {}", entry.controller);
    fmt::print(stderr, "mounted {} at {}: {}; {}\n", printable(entry.segment), directory, describeFiles(entry), by);
    if (entry.recorded) {
        fmt::print(stderr, "recorded as mounted by {}: for engines with --local_server_name={}\n",
                   printable(entry.recorded->server_name), printable(entry.recorded->server_name));
    }
    fmt::print(stderr, "mc-mount remove {} takes it off\n", directory);
}

Result<ExitCode> report(const config::Values& values, const MountEntry& entry, const char* action) {
    if (!values.flag("quiet")) tell(entry, action);
    std::string text = table(entry);
    if (values.flag("json")) {
        Json document{{"schema_version", 1}, {"action", action}};
        document.update(describeMount(entry, std::string_view(action) == "planned" ? "planned" : "mounted"));
        text = document.line();
    }
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

/// What stands for the directory in the state file while it is being mounted.
struct Reservation {
    std::optional<MountEntry> before;   ///< What stood there.
    std::optional<MountEntry> mounted;  ///< It is mounted already, and the same.
};

std::unexpected<Error> taken(const std::string& directory, const std::string& by) {
    return fail(ErrorCode::AlreadyExists, fmt::format("{}: {} is mounted there", printable(directory), printable(by)),
                fmt::format("mc-mount remove {}", printable(directory)));
}

Result<Reservation> reserve(const Settings& settings, Deadline deadline) {
    Reservation reservation;
    const std::string& directory = settings.fuse.directory;
    const auto edit = [&](std::vector<MountEntry>& entries) -> Result<bool> {
        auto mounts = mountPoints();
        if (!mounts) return std::unexpected(mounts.error());
        MountEntry* const known = findEntry(entries, directory);
        const MountState state = known == nullptr ? MountState::Stopped : stateOf(*known, *mounts);
        if (state == MountState::Starting) {
            return fail(ErrorCode::Busy,
                        fmt::format("{}: process {} is mounting it", printable(directory), known->server.pid));
        }
        if (state == MountState::Mounted) {
            if (known->options != settings.options) {
                const bool same = known->segment == settings.fuse.source;
                return taken(directory, same ? known->segment + ", with other options," : known->segment);
            }
            reservation.mounted = *known;
            return false;
        }
        const auto cleared = clearDead(directory, *mounts, known == nullptr ? ProcessId{} : known->server);
        if (!cleared) return std::unexpected(cleared.error());
        const auto there = mountAt(*mounts, directory);
        if (!*cleared && there && there->isOurs()) return taken(directory, there->source);
        if (known != nullptr) reservation.before = *known;
        MountEntry& entry = known == nullptr ? entries.emplace_back() : *known;
        const auto recorded = entry.recorded;
        entry = newEntry(settings);
        entry.recorded = recorded;
        return true;
    };
    if (auto done = updateState(settings.state_file, edit, deadline); !done) return std::unexpected(done.error());
    return reservation;
}

void giveBack(const Settings& settings, const Reservation& reservation) {
    const auto edit = [&](std::vector<MountEntry>& entries) -> Result<bool> {
        MountEntry* const known = findEntry(entries, settings.fuse.directory);
        if (known == nullptr) return false;
        if (reservation.before) {
            *known = *reservation.before;
        } else {
            std::erase_if(entries, [&](const MountEntry& entry) { return &entry == known; });
        }
        return true;
    };
    constexpr std::chrono::seconds kPatience{10};
    static_cast<void>(updateState(settings.state_file, edit, SteadyClock::now() + kPatience));
}

// The name under which something else is recorded that was mounted there before: nobody would know it any more.
Result<void> forgetOther(const Settings& settings, const Reservation& reservation) {
    const auto& before = reservation.before;
    if (!before || !before->recorded || before->options == settings.options) return {};
    auto forgotten = forget(*before);
    if (forgotten) return {};
    return std::unexpected(wrap(fmt::format("{}: {} is still recorded as mounted there", printable(before->directory),
                                            printable(before->segment)),
                                forgotten.error()));
}

Result<ExitCode> dryRun(const config::Values& values, const Settings& settings) {
    if (!settings.kernel) {
        if (auto checked = checkFuse(settings.fuse); !checked) return std::unexpected(checked.error());
    }
    const auto located = locate(settings);
    if (!located) return std::unexpected(located.error());
    if (auto used = located->remote->use(located->source.segment, located->source.files); !used && !settings.kernel)
        return std::unexpected(used.error());
    MountEntry entry = newEntry(settings);
    entry.server = {};
    entry.files = entryFiles(located->source.files);
    return report(values, entry, "planned");
}

// The process that mounts in the background: what it has to say it says to the one that waits for it.
Result<ExitCode> serveBehind(const config::Values& values, const Settings& settings, tools::StopSignals& stop) {
    const int ready_fd = static_cast<int>(values.integer("ready-fd"));
    bool announced = false;
    const auto served = serve(
        settings,
        [&](const MountEntry& entry) {
            auto detached = detach(values.text("log-file"));
            if (!detached) return detached;
            announceMounted(ready_fd, entry);
            announced = true;
            return detached;
        },
        stop);
    if (served) return ExitCode::Ok;
    if (announced) return std::unexpected(served.error());
    announceError(ready_fd, served.error());
    return exitCode(served.error().code);
}

Result<ExitCode> serveHere(const config::Values& values, const Settings& settings, tools::StopSignals& stop) {
    const auto served = serve(
        settings,
        [&](const MountEntry& entry) -> Result<void> {
            const auto told = report(values, entry, "mounted");
            if (!told) return std::unexpected(told.error());
            notifyServiceManager("READY=1");
            return {};
        },
        stop);
    notifyServiceManager("STOPPING=1");
    if (!served) return std::unexpected(served.error());
    return ExitCode::Ok;
}

}  // namespace

Result<ExitCode> runAdd(const config::Values& values, tools::StopSignals& stop) {
    const auto settings = settingsFrom(values);
    if (!settings) return std::unexpected(settings.error());
    if (values.flag("dry-run")) return dryRun(values, *settings);
    if (values.given("ready-fd")) return serveBehind(values, *settings, stop);
    const auto reservation = reserve(*settings, limit(values));
    if (!reservation) return std::unexpected(reservation.error());
    if (reservation->mounted) return report(values, *reservation->mounted, "unchanged");
    if (auto forgotten = forgetOther(*settings, *reservation); !forgotten) {
        giveBack(*settings, *reservation);
        return std::unexpected(forgotten.error());
    }
    if (settings->foreground) {
        auto served = serveHere(values, *settings, stop);
        if (!served) giveBack(*settings, *reservation);
        return !served && stop.received() != 0 ? stop.exitCode() : served;
    }
    if (settings->kernel) {
        const auto mounted = addThroughKernel(*settings, limit(values));
        if (!mounted) giveBack(*settings, *reservation);
        if (!mounted) return std::unexpected(mounted.error());
        return report(values, *mounted, "mounted");
    }
    const auto mounted = startInBackground(stop);
    if (!mounted || !*mounted) giveBack(*settings, *reservation);
    if (!mounted) return std::unexpected(mounted.error());
    if (!*mounted) return stop.exitCode();
    return report(values, **mounted, "mounted");
}

}  // namespace mc::mount
