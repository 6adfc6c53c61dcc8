#pragma once

#include "mc/error.h"

#include "mount/fuse_server.h"

namespace mc::mount {

/// What of the machine and the user is missing to mount that, with the command that mends it.
Result<void> checkFuse(const FuseOptions& options);

}  // namespace mc::mount
