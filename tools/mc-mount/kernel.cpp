#include "mc-mount/kernel.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "mc-mount/recording.h"
#include "mc-mount/serve.h"
#include "mount/kernel_devices.h"
#include "mount/unmount.h"

namespace mc::mount {
namespace {

// The command's own time may be over when something has to be undone.
constexpr std::chrono::seconds kUndoTime{10};

std::string linkOf(const std::string& directory, const std::string& name) {
    return directory + "/" + name;
}

Result<void> checkDirectory(const std::string& directory) {
    struct stat facts{};
    if (::stat(directory.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return {};
    return fail(ErrorCode::NoInput, fmt::format("{}: there is no such directory", printable(directory)),
                fmt::format("mkdir -p {}", printable(directory)));
}

// By hand, or by a mount of which the state file does not know: taking it off is not ours.
Result<void> checkNotMounted(const Settings& settings) {
    if (settings.file_system.empty()) return {};
    const std::string& directory = settings.fuse.directory;
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    const auto there = mountAt(*mounts, directory);
    if (!there) return {};
    std::error_code no_block_device;
    const auto device = std::filesystem::read_symlink("/sys/dev/block/" + there->device, no_block_device).filename();
    if (no_block_device || !device.native().starts_with("nvme")) return {};
    return fail(ErrorCode::AlreadyExists, fmt::format("{}: {} is mounted there", printable(directory), device.native()),
                fmt::format("umount {}", printable(directory)));
}

// The one file, or a link for each.
Result<void> show(const Settings& settings, const KernelDevices& found, const std::vector<MountedFile>& files) {
    const std::string& directory = settings.fuse.directory;
    if (!settings.file_system.empty())
        return mountDevice(found.devices.front(), directory, settings.file_system, settings.fuse.read_only);
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (auto linked = linkDevice(linkOf(directory, files[i].name), found.devices[i]); !linked) return linked;
    }
    return {};
}

// If this process is killed, remove knows what to take off.
Result<void> noteBefore(const Settings& settings, const MountEntry& entry, Deadline deadline) {
    return updateState(
        settings.state_file,
        [&](std::vector<MountEntry>& entries) -> Result<bool> {
            MountEntry* const reserved = findEntry(entries, entry.directory);
            if (reserved == nullptr) return false;
            const auto recorded = reserved->recorded;  // Of an earlier mount, to be taken out all the same.
            *reserved = entry;
            reserved->recorded = recorded;
            return true;
        },
        deadline);
}

Result<void> finish(const Settings& settings, const Located& located, MountEntry& entry) {
    if (located.source.records) {
        auto recorded = record(*located.store, settings, located.source.files);
        if (!recorded) return std::unexpected(recorded.error());
        entry.recorded = std::move(*recorded);
    }
    return putEntry(settings, entry);
}

}  // namespace

Result<MountEntry> addThroughKernel(const Settings& settings, Deadline deadline) {
    if (auto checked = checkDirectory(settings.fuse.directory); !checked) return std::unexpected(checked.error());
    if (auto checked = checkNotMounted(settings); !checked) return std::unexpected(checked.error());
    const nvme::kernel::KernelHost host;
    if (auto usable = host.checkUsable(); !usable) return std::unexpected(usable.error());
    const auto located = locate(settings);
    if (!located) return std::unexpected(located.error());
    const auto& files = located->source.files;
    if (!settings.file_system.empty() && files.size() != 1) {
        return fail(ErrorCode::InvalidArgument, fmt::format("--fs is for one file, not for {}", files.size()),
                    "--file names one");
    }
    const auto descriptor = located->remote->describe(located->source.segment);
    if (!descriptor) return std::unexpected(descriptor.error());
    if (!descriptor->nvme_trid) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("segment {}: no target serves it, to which the kernel could connect",
                                printable(located->source.segment)));
    }
    const auto found = connectDevices(
        host, *descriptor->nvme_trid, files,
        {.directory = settings.fuse.directory, .options = settings.engine.nvmeof, .timeout = settings.timeout},
        deadline);
    if (!found) return std::unexpected(found.error());
    MountEntry entry = newEntry(settings);
    entry.controller = found->controller;
    entry.device = settings.file_system.empty() ? "" : found->devices.front();
    entry.files = entryFiles(files);
    for (std::size_t i = 0; i < files.size(); ++i)
        entry.files[i].identity = found->identities[i];
    auto done = noteBefore(settings, entry, deadline);
    if (done) done = show(settings, *found, files);
    const bool is_mounted = done && !entry.device.empty();
    entry.starting = false;
    entry.server = {};
    if (done) done = finish(settings, *located, entry);
    if (done) return entry;
    if (entry.recorded) static_cast<void>(forget(entry));
    const Deadline deadline_of_undo = SteadyClock::now() + kUndoTime;
    const auto undone = is_mounted || entry.device.empty()
                            ? takeOffKernel(entry, true, deadline_of_undo)
                            : letGoDevices(host, entry.directory, nvme::kernel::InUse::Stays, deadline_of_undo);
    if (!undone) log::warning("{}", undone.error().message);
    return std::unexpected(done.error());
}

bool isThere(const MountEntry& entry, const std::vector<MountPoint>& mounts) {
    const nvme::kernel::KernelPaths paths;
    if (!entry.device.empty()) {
        const auto mounted = mountAt(mounts, entry.directory);
        return mounted && mounted->source == entry.device &&
               std::ranges::none_of(
                   entry.files, [&](const EntryFile& file) { return isAnothers(paths, entry.device, file.identity); });
    }
    return std::ranges::all_of(entry.files, [&](const EntryFile& file) {
        const std::string link = linkOf(entry.directory, file.name);
        struct stat facts{};
        return ::stat(link.c_str(), &facts) == 0 && S_ISBLK(facts.st_mode) && !isAnothers(paths, link, file.identity);
    });
}

Result<void> takeOffKernel(const MountEntry& entry, bool force, Deadline deadline) {
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    if (!entry.device.empty() && isThere(entry, *mounts)) {
        if (auto off = unmount(entry.directory, force ? Unmounting::Lazy : Unmounting::Idle, deadline); !off)
            return off;
    }
    using nvme::kernel::InUse;
    auto let_go =
        letGoDevices(nvme::kernel::KernelHost(), entry.directory, force ? InUse::Goes : InUse::Stays, deadline);
    if (!let_go) return let_go;
    for (const EntryFile& file : entry.files) {
        if (entry.device.empty()) unlinkDevice(linkOf(entry.directory, file.name));
    }
    return {};
}

}  // namespace mc::mount
