#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::meta {

Result<ExitCode> runGet(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runPut(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runShow(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runDump(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runRestore(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runCopy(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runVerify(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runGc(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runWatch(const config::Values& values, tools::StopSignals& stop);

}  // namespace mc::meta
