#pragma once

#include "mc/error.h"

#include "mc-mount/settings.h"
#include "mount/mount_table.h"
#include "mount/state_file.h"

namespace mc::mount {

/// Mounts through the kernel, and notes it in the state file; what it has of it by then.
Result<MountEntry> addThroughKernel(const Settings& settings, Deadline deadline);

/// Whether what was mounted so is there.
bool isThere(const MountEntry& entry, const std::vector<MountPoint>& mounts);

/// Takes it off, and lets the controller go.
Result<void> takeOffKernel(const MountEntry& entry, bool force, Deadline deadline);

}  // namespace mc::mount
