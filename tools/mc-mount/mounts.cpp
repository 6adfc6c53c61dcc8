#include "mc-mount/mounts.h"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "mc-mount/kernel.h"
#include "mc-mount/settings.h"
#include "mount/unmount.h"

namespace mc::mount {
namespace {

constexpr std::chrono::seconds kPatience{10};

// Nobody answers for it. One that lives, and is only slow, is not asked.
bool isDisconnected(const std::string& directory) {
    struct statfs facts{};  // Unlike attributes, never known from before.
    if (::statfs(directory.c_str(), &facts) == 0) return false;
    return errno == ENOTCONN || errno == ECONNABORTED;  // The latter: it went while it was being asked.
}

}  // namespace

const char* toString(MountState state) {
    switch (state) {
        case MountState::Starting:
            return "starting";
        case MountState::Mounted:
            return "mounted";
        case MountState::Dead:
            return "dead";
        case MountState::Stopped:
            return "stopped";
    }
    return "";
}

MountState stateOf(const MountEntry& entry, const std::vector<MountPoint>& mounts) {
    const bool running = isRunning(entry.server);
    if (running && entry.starting) return MountState::Starting;
    if (!entry.controller.empty()) return isThere(entry, mounts) ? MountState::Mounted : MountState::Stopped;
    const auto mounted = mountAt(mounts, entry.directory);
    if (!mounted || !mounted->isOurs()) return MountState::Stopped;
    if (running) return MountState::Mounted;
    return isDisconnected(entry.directory) ? MountState::Dead : MountState::Stopped;  // Or it is another's by now.
}

Result<bool> clearDead(const std::string& directory, const std::vector<MountPoint>& mounts, const ProcessId& server) {
    const auto mounted = mountAt(mounts, directory);
    if (!mounted || !mounted->isOurs() || isRunning(server) || !isDisconnected(directory)) return false;
    if (auto done = unmount(directory, Unmounting::Lazy, SteadyClock::now() + kPatience); !done)
        return std::unexpected(done.error());
    log::info("{}: took off what a process that is gone had mounted", printable(directory));
    return true;
}

Result<std::vector<SeenMount>> seeMounts(const std::string& state_file) {
    auto entries = readState(state_file);
    if (!entries) return std::unexpected(entries.error());
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    std::vector<SeenMount> seen;
    for (MountEntry& entry : *entries) {
        const MountState state = stateOf(entry, *mounts);
        if (state == MountState::Dead) {
            if (const auto cleared = clearDead(entry.directory, *mounts, entry.server); !cleared)
                log::warning("{}", cleared.error().message);
        }
        seen.push_back({.entry = std::move(entry), .state = state});
    }
    return seen;
}

bool isMeant(const MountEntry& entry, const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [&](const std::string& word) {
        const auto directory = mountDirectory(word);
        return word == entry.segment || (directory && *directory == entry.directory);
    });
}

Json describeMount(const MountEntry& entry, const char* state) {
    Json files = Json::array();
    for (const EntryFile& file : entry.files) {
        files.add({{"name", file.name}, {"number", file.number}, {"path", file.path}, {"size_bytes", file.size}});
    }
    return {{"directory", entry.directory},
            {"segment", entry.segment},
            {"through", entry.through},
            {"state", state},
            {"device", entry.device.empty() ? Json(nullptr) : Json(entry.device)},
            {"pid", entry.server.pid == 0 ? Json(nullptr) : Json(std::int64_t{entry.server.pid})},
            {"created", entry.created},
            {"recorded_as", entry.recorded ? Json(entry.recorded->server_name) : Json(nullptr)},
            {"files", std::move(files)}};
}

}  // namespace mc::mount
