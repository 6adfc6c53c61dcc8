#pragma once

#include <span>

#include "mc/engine_options.h"

#include "base/futex.h"
#include "config/option.h"
#include "config/values.h"

namespace mc {

/// --verbose, -v, MC_VERBOSE: what the engine and every tool understand by it.
inline constexpr config::Option kVerboseOption{
    .name = "verbose",
    .letter = 'v',
    .type = config::Type::Flag,
    .environment = "MC_VERBOSE",
    .environment_presence = true,
    .group = "Common options",
    .summary = "say more on standard error",
};

/// An entry for each member of EngineOptions, for the tables of the tools.
std::span<const config::Option> engineOptionTable();

/// What `values` of a tool with engineOptionTable() say. An error names the option and where its value came from.
Result<EngineOptions> engineOptionsFrom(const config::Values& values);

/// InvalidArgument names the member whose value no engine can work with. A program may set what no table allows.
Result<void> checkEngineOptions(const EngineOptions& options);

/// When a call to the metadata store that begins now has to end.
Deadline storeDeadline(const EngineOptions& options);

}  // namespace mc
