#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::mount {

Result<ExitCode> runAdd(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runStatus(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runRestore(const config::Values& values, tools::StopSignals& stop);

}  // namespace mc::mount
