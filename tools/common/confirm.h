#pragma once

#include <string_view>

#include "mc/error.h"

#include "common/stop_signals.h"

namespace mc::tools {

/// Whether there is somebody to ask: standard input and standard error are terminals.
bool canAsk();

/// Asks on standard error; true for y or yes. False after a signal, too.
Result<bool> confirm(std::string_view question, const StopSignals& stop);

}  // namespace mc::tools
