#pragma once

#include <string>

#include "mc/error.h"

#include "mc-mount/settings.h"
#include "mount/state_file.h"

namespace mc::mount {

/// Notes in the descriptor of a static segment where its files are mounted, for the engine of --as.
Result<Recorded> record(metadata::Store& store, const Settings& settings, const std::vector<MountedFile>& files);

/// Takes it out again, from the metadata server that the mount's options name.
Result<void> forget(const MountEntry& entry);

}  // namespace mc::mount
