#pragma once

#include <string>

#include "mc/error.h"

#include "config/values.h"
#include "control/client.h"

namespace mc::tools {

/// A connection to the running target that serves the segment `name`; where that is empty, to that of --control-socket,
/// or to the only one of this user. Each call waits for --timeout; where that is 0, for an hour.
Result<control::ControlClient> connectToTarget(const config::Values& values, const std::string& name);

}  // namespace mc::tools
