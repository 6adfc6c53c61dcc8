#pragma once

#include <string>

#include "mc/error.h"

#include "common/stop_signals.h"
#include "config/values.h"
#include "metadata/kept_segment.h"

namespace mc::registering {

/// Puts the segment back whenever its metadata server has lost it, every --keep-alive, until a signal comes.
ExitCode keepAlive(const config::Values& values, metadata::KeptSegment& segment, const std::string& key,
                   tools::StopSignals& stop);

}  // namespace mc::registering
