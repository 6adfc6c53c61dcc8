#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::target {

/// Serves memory and files until a signal comes.
Result<ExitCode> serve(const config::Values& values, tools::StopSignals& stop);

/// Takes down what killed targets have left in the kernel's target.
Result<ExitCode> gc(const config::Values& values, const tools::StopSignals& stop);

/// Both ask a running target.
Result<ExitCode> status(const config::Values& values);
Result<ExitCode> save(const config::Values& values);

}  // namespace mc::target
