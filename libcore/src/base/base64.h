#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mc {

/// With the alphabet of RFC 4648's section 4, padded.
std::string base64Encoded(std::string_view bytes);

/// Nothing if `text` is anything else than what base64Encoded() makes.
std::optional<std::string> base64Decoded(std::string_view text);

}  // namespace mc
