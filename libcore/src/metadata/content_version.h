#pragma once

#include <string>
#include <string_view>

namespace mc::metadata {

/// The version of a value in a store that keeps none: its SHA-1, in 40 small hexadecimal digits, as Redis'
/// redis.sha1hex has it.
std::string contentVersion(std::string_view value);

}  // namespace mc::metadata
