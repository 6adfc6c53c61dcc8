#pragma once

#include <cstddef>
#include <string_view>

#include "mc/error.h"

namespace mc::tools {

/// Writes data to standard output at once. Io if it, or what was printed there before, can't be written.
Result<void> writeData(std::string_view text);

/// The same for text that people read, such as help: a reader who closes the pipe has seen enough, which is no error.
Result<void> writeText(std::string_view text);

/// Whether `fd` gets colours, `when` being "auto", "always" or "never": auto means a terminal, without NO_COLOR.
bool wantsColor(std::string_view when, int fd);

/// Columns of the terminal behind `fd`, at most 120; 80 if it is none.
std::size_t terminalWidth(int fd);

}  // namespace mc::tools
