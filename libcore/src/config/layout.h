#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/option.h"

namespace mc::config {

/// Options in the order of their groups' first appearance.
using Groups = std::vector<std::pair<std::string, std::vector<const Option*>>>;
Groups groupsOf(const std::vector<const Option*>& options);

/// The options that a subcommand has beyond those of the tool.
std::vector<const Option*> ownOptions(const Tool& tool, const Command& command);

/// The same, without those of a command that it extends.
std::vector<const Option*> firstDocumented(const Tool& tool, const Command& command);

/// "The options of mc-x serve."; empty for a command that extends none.
std::string extensionNote(const Tool& tool, const Command& command);

/// The positional options, as in "mc-bench [OPTIONS] [FILES...]": " [FILES...]".
std::string positionalSynopsis(const std::vector<const Option*>& options);

/// "--block-size", "--[no-]metadata-cache" where a flag is on by default.
std::string displayName(const Option& option);

/// A flag that is on by default is one that --no-X is for.
bool onByDefault(const Option& option);

/// Whether an argument that is no option names a file.
bool takesFiles(const std::vector<const Option*>& options);

std::string joinedChoices(const Option& option, std::string_view separator);

/// "default: 64KiB; from 1 to 1GiB; environment: MC_X", or what of it there is.
std::string facts(const Option& option);

/// Lines of at most `width` columns, the paragraphs of `text` separated by empty ones. Longer words stay whole.
std::vector<std::string> wrapText(std::string_view text, std::size_t width);

/// The paragraphs of `text`: what is between empty lines.
std::vector<std::string> paragraphs(std::string_view text);

}  // namespace mc::config
