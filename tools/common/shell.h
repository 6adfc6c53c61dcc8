#pragma once

#include <string>
#include <string_view>

namespace mc::tools {

/// One word of a command line, on one line, for bash and its like: as it is where that is plain.
std::string shellQuoted(std::string_view text);

}  // namespace mc::tools
