#pragma once

#include <functional>

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"

namespace mc::tools {

/// What a tool does once its command line is understood. With --json it prints its one document last, because an error
/// that it returns is printed as a document too.
using Action = std::function<Result<ExitCode>(const config::Values& values, StopSignals& stop)>;

/// The main of every tool: reads the options (kCommonOptions must be among them), answers --help, --version and
/// --print-config, sets the log level, ignores SIGPIPE, and tells errors as "mc-x: message" and "hint: ..." on standard
/// error, with --json also as a document on standard output. Returns the exit status. Call it before any thread starts.
int runMain(const config::Tool& tool, int argc, const char* const* argv, const Action& action);

}  // namespace mc::tools
