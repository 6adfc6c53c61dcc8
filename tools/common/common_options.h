#pragma once

#include "config/option.h"
#include "engine/engine_options.h"

namespace mc::tools {

/// What every tool takes; part of each tool's table.
inline constexpr config::Option kCommonOptions[] = {
    {.name = "json",
     .type = config::Type::Flag,
     .group = "Common options",
     .summary = "print one JSON document instead of text, also on failure"},
    {.name = "quiet",
     .letter = 'q',
     .type = config::Type::Flag,
     .group = "Common options",
     .summary = "only say on standard error what went wrong"},
    kVerboseOption,
    {.name = "color",
     .placeholder = "WHEN",
     .type = config::Type::Choice,
     .choices = {"auto", "always", "never"},
     .fallback = "auto",
     .group = "Common options",
     .summary = "colour messages; auto: on a terminal, unless NO_COLOR is set"},
    {.name = "config",
     .file = true,
     .config_file = true,
     .toml = false,
     .group = "Common options",
     .summary = "TOML file to read options from",
     .details = "Keys are the long names with underscores. A flag beats the environment, which beats the file."},
    {.name = "print-config",
     .type = config::Type::Flag,
     .toml = false,
     .group = "Common options",
     .summary = "print every option's value as TOML, with where it came from, and exit",
     .details = "With --json as a JSON document: sizes in bytes, durations in seconds."},
    {.name = "help",
     .letter = 'h',
     .type = config::Type::Flag,
     .early = true,
     .toml = false,
     .group = "Common options",
     .summary = "print this help and exit"},
    {.name = "version",
     .letter = 'V',
     .type = config::Type::Flag,
     .early = true,
     .toml = false,
     .group = "Common options",
     .summary = "print version and features and exit"},
};

}  // namespace mc::tools
