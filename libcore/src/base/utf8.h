#pragma once

#include <string_view>

namespace mc {

/// Whether `text` is UTF-8 as RFC 3629 has it: no surrogate, nothing above U+10FFFF, nothing longer than it must be.
bool isUtf8(std::string_view text);

}  // namespace mc
