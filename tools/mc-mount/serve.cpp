#include "mc-mount/serve.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "mc-mount/recording.h"
#include "mount/fuse_checks.h"

namespace mc::mount {
namespace {

constexpr std::chrono::seconds kStatePatience{10};

Deadline stateDeadline() {
    return SteadyClock::now() + kStatePatience;
}

}  // namespace

Result<void> putEntry(const Settings& settings, const MountEntry& entry) {
    return updateState(
        settings.state_file,
        [&](std::vector<MountEntry>& entries) -> Result<bool> {
            MountEntry* const known = findEntry(entries, entry.directory);
            (known == nullptr ? entries.emplace_back() : *known) = entry;
            return true;
        },
        stateDeadline());
}

Result<Located> locate(const Settings& settings) {
    auto store = openStore(settings);
    if (!store) return std::unexpected(store.error());
    auto remote = RemoteFiles::open({.engine = settings.engine,
                                     .store = *store,
                                     .server_name = settings.server_name,
                                     .timeout = settings.timeout,
                                     .memory_size = settings.kernel ? 0 : fuseMemorySize(settings.fuse.threads),
                                     .page_receivers = settings.kernel ? 0 : settings.fuse.threads});
    if (!remote) return std::unexpected(remote.error());
    auto source = findSource(**remote, {.segment = settings.segment,
                                        .via = settings.via,
                                        .server_name = settings.server_name,
                                        .selection = settings.selection});
    if (!source) return std::unexpected(source.error());
    return Located{.store = std::move(*store), .remote = std::move(*remote), .source = std::move(*source)};
}

MountEntry newEntry(const Settings& settings) {
    return {.directory = settings.fuse.directory,
            .segment = settings.fuse.source,
            .through = settings.kernel ? "kernel" : "fuse",
            .options = settings.options,
            .server = processId(0),
            .controller = {},
            .device = {},
            .starting = true,
            .supervised = settings.foreground,
            .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
            .files = {},
            .recorded = {}};
}

std::vector<EntryFile> entryFiles(const std::vector<MountedFile>& files) {
    std::vector<EntryFile> entries;
    entries.reserve(files.size());
    for (const MountedFile& file : files) {
        entries.push_back(
            {.name = file.name, .number = file.number, .path = file.path, .size = file.size, .identity = {}});
    }
    return entries;
}

Result<void> serve(const Settings& settings, const Mounted& mounted, tools::StopSignals& stop) {
    // What is missing here is told before another machine is asked.
    if (auto checked = checkFuse(settings.fuse); !checked) return checked;
    auto located = locate(settings);
    if (!located) return std::unexpected(located.error());
    RemoteFiles& remote = *located->remote;
    if (auto used = remote.use(located->source.segment, located->source.files); !used) return used;
    auto server = FuseServer::mount(settings.fuse, remote);
    if (!server) return std::unexpected(server.error());
    MountEntry entry = newEntry(settings);
    entry.starting = false;
    entry.files = entryFiles(remote.files());
    // Whoever told it to stop takes out nothing that is recorded from now on.
    if (stop.received() != 0)
        return fail(ErrorCode::Unavailable, fmt::format("{}: told to stop", printable(entry.directory)));
    if (located->source.records) {
        auto recorded = record(*located->store, settings, remote.files());
        if (!recorded) return std::unexpected(recorded.error());
        entry.recorded = std::move(*recorded);
    }
    // Once it is noted, a name that was recorded is taken out again by whoever removes it.
    auto noted = putEntry(settings, entry);
    if (noted) noted = mounted(entry);
    if (!noted) {
        if (entry.recorded) static_cast<void>(forget(entry));
        return noted;
    }
    const bool unmounted = (*server)->waitUntilUnmounted(stop.token());
    log::info("{}: {}", settings.fuse.directory, unmounted ? "somebody has unmounted it" : "unmounting");
    server->reset();
    if (!settings.foreground) return {};
    if (entry.recorded) {
        if (const auto forgotten = forget(entry); !forgotten) log::warning("{}", forgotten.error().message);
    }
    return updateState(
        settings.state_file,
        [&](std::vector<MountEntry>& entries) -> Result<bool> {
            return std::erase_if(entries, [&](const MountEntry& other) { return other == entry; }) > 0;
        },
        stateDeadline());
}

}  // namespace mc::mount
