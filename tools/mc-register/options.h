#pragma once

#include "config/option.h"

namespace mc::registering {

/// mc-register's commands, options, help and examples.
const config::Tool& registerTool();

}  // namespace mc::registering
