#pragma once

#include "mc/error.h"

#include "common/stop_signals.h"
#include "mc-bench/options.h"
#include "mc-bench/side.h"

namespace mc::bench {

/// Serves memory until a signal comes.
Result<ExitCode> runTarget(const Settings& settings, tools::StopSignals& stop);

/// Measures transfers to and from the segment that the options name.
Result<ExitCode> runInitiator(const Settings& settings, tools::StopSignals& stop);

/// Both in this process.
Result<ExitCode> runLoopback(const Settings& settings, tools::StopSignals& stop);

/// Measures every case against `segment`, and prints what came out.
Result<ExitCode> measure(const Settings& settings, const std::string& segment, tools::StopSignals& stop);

}  // namespace mc::bench
