#pragma once

#include <fstream>
#include <string>

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"
#include "metadata/store.h"

namespace mc::meta {

/// Prints what it takes to have all of the dump in the store and, with --yes, does it. `name` is the dump's in
/// messages.
Result<ExitCode> restoreDump(const config::Values& values, std::fstream& dump, const std::string& name,
                             metadata::Store& store, const tools::StopSignals& stop);

}  // namespace mc::meta
