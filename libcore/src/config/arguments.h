#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "config/option.h"

namespace mc::config {

/// An option that a name on the command line means.
struct NamedOption {
    const Option* option = nullptr;
    bool negated = false;  ///< --noX or --no-X.
};

/// Looks up "block-size", "block_size", an alias, or "noX" and "no-X" of a flag.
NamedOption findOption(std::span<const Option* const> options, std::string_view name);

/// argv with every option under the name that the table gives it, and the rest apart.
struct NormalisedArguments {
    const Command* command = nullptr;
    std::vector<std::string> options;      ///< "--block-size", "4096", "--block-size=4096", "-q".
    std::vector<std::string> positionals;  ///< Without the subcommand.
};

/// Makes --a-b, --a_b, -a_b, --noX and --no-X one spelling. Single letters, the values of options and what follows "--"
/// stay as they are. InvalidArgument for a missing value and, with the nearest name, for one that is in no table.
Result<NormalisedArguments> normaliseArguments(const Tool& tool, std::span<const std::string> arguments);

/// What argv gives for each option, in order, not yet checked.
struct ParsedArguments {
    const Command* command = nullptr;
    std::map<const Option*, std::vector<std::string>> given;
};

/// InvalidArgument for unknown options and subcommands, missing values and surplus arguments.
Result<ParsedArguments> parseArguments(const Tool& tool, std::span<const std::string> arguments);

}  // namespace mc::config
