#pragma once

#include "config/option.h"

namespace mc::meta {

/// mc-meta's commands, options, help and examples.
const config::Tool& metaTool();

}  // namespace mc::meta
