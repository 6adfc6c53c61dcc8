#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::registering {

Result<ExitCode> runAdd(const config::Values& values, tools::StopSignals& stop);
/// The same with --buffer or --file, by a running target.
Result<ExitCode> runAddBuffers(const config::Values& values);
Result<ExitCode> runAddFiles(const config::Values& values);
Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runRemoveBuffers(const config::Values& values);
Result<ExitCode> runRemoveFiles(const config::Values& values);
Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop);
Result<ExitCode> runShow(const config::Values& values, tools::StopSignals& stop);

}  // namespace mc::registering
