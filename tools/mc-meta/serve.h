#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::meta {

/// Serves metadata until a signal comes.
Result<ExitCode> runServe(const config::Values& values, tools::StopSignals& stop);

}  // namespace mc::meta
