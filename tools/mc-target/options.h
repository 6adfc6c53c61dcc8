#pragma once

#include "mc/error.h"

#include "config/option.h"
#include "config/values.h"
#include "control/target.h"

namespace mc::target {

/// mc-target's options, help and examples.
const config::Tool& targetTool();

/// What `serve` is to serve. An error names the option and where its value came from.
Result<control::TargetOptions> targetOptionsFrom(const config::Values& values);

}  // namespace mc::target
