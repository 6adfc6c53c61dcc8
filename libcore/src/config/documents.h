#pragma once

#include <cstddef>
#include <string>

#include "config/option.h"
#include "config/values.h"

namespace mc::config {

/// What --help prints, wrapped at `width` columns: of the tool, or of one of its subcommands.
std::string helpText(const Tool& tool, const Command* command, std::size_t width);

/// The OPTIONS part of the manual page, in roff's man macros, without its .SH line; options by group, then those of
/// each subcommand.
std::string manOptions(const Tool& tool);

/// Complete files for bash, zsh and fish.
std::string bashCompletion(const Tool& tool);
std::string zshCompletion(const Tool& tool);
std::string fishCompletion(const Tool& tool);

/// What --print-config prints: TOML that load() reads back to the same values, and in a comment where each came from.
/// Secrets are left out, and so are user and password of a URL.
std::string effectiveToml(const Values& values);

/// The value of an option that is set as TOML writes it: "64KiB" or [1, 2].
std::string tomlValue(const Values::Entry& entry);

/// The same as one JSON document: {"schema_version": 1, "options": {key: {"value", "origin"}}}, sizes in bytes,
/// durations in seconds, null where there is no value; of a secret only whether it is set.
std::string effectiveJson(const Values& values);

}  // namespace mc::config
