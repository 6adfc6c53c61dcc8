#pragma once

#include <string>
#include <string_view>

namespace mc::metadata {

/// The first line of what a server says, as far as it can be shown in a message.
std::string shown(std::string_view text);

/// " (such a line)", or nothing for an empty one.
std::string said(std::string_view text);

}  // namespace mc::metadata
