#pragma once

#include <functional>

#include "mc/error.h"

#include "common/stop_signals.h"
#include "mc-mount/settings.h"
#include "mount/mount_source.h"
#include "mount/remote_files.h"
#include "mount/state_file.h"

namespace mc::mount {

/// The segment's files, found.
struct Located {
    std::shared_ptr<metadata::Store> store;  ///< Null without a metadata server.
    std::unique_ptr<RemoteFiles> remote;     ///< Does not use them yet.
    MountSource source;
};
Result<Located> locate(const Settings& settings);

/// The entry of a mount that does not exist yet.
MountEntry newEntry(const Settings& settings);
/// In place of what stands for its directory in the state file.
Result<void> putEntry(const Settings& settings, const MountEntry& entry);
std::vector<EntryFile> entryFiles(const std::vector<MountedFile>& files);

/// Mounts, notes it in the state file, tells `mounted`, and serves until a signal comes or the mount is taken off.
/// `entry` is what the state file has of it by then.
using Mounted = std::function<Result<void>(const MountEntry& entry)>;
Result<void> serve(const Settings& settings, const Mounted& mounted, tools::StopSignals& stop);

}  // namespace mc::mount
