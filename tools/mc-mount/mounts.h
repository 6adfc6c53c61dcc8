#pragma once

#include <string>
#include <vector>

#include "mc/error.h"

#include "base/json.h"
#include "config/values.h"
#include "mount/mount_table.h"
#include "mount/state_file.h"

namespace mc::mount {

enum class MountState {
    Starting,  ///< Its process has not mounted it yet.
    Mounted,
    Dead,     ///< It is mounted, but its process is gone.
    Stopped,  ///< It is not mounted now.
};

const char* toString(MountState state);

MountState stateOf(const MountEntry& entry, const std::vector<MountPoint>& mounts);

/// A mount, and how it was when it was looked at.
struct SeenMount {
    MountEntry entry;
    MountState state = MountState::Stopped;
};

/// All of the state file. Those that are dead are taken off, and said to be Dead this once.
Result<std::vector<SeenMount>> seeMounts(const std::string& state_file);

/// Takes off what a server that is gone has left at the directory; true if there was such.
Result<bool> clearDead(const std::string& directory, const std::vector<MountPoint>& mounts, const ProcessId& server);

/// Whether an argument of a command means that mount: by its directory or its segment.
bool isMeant(const MountEntry& entry, const std::vector<std::string>& words);

/// What JSON documents tell of a mount.
Json describeMount(const MountEntry& entry, const char* state);

}  // namespace mc::mount
