#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/option.h"

namespace mc::config {

/// One checked value: Flag, Integer, Number, Size, Duration, Text or Choice.
using Scalar = std::variant<bool, std::int64_t, double, std::uint64_t, std::chrono::nanoseconds, std::string>;

/// Reads one value of the option's type and checks range and choices. InvalidArgument says what is wrong with the value
/// and how values look, but not where it came from.
Result<Scalar> parseScalar(const Option& option, std::string_view text);

/// Checks the range of a value that already has the option's type.
Result<Scalar> checkRange(const Option& option, Scalar value);

/// The items of a list, as argv and environment write them: separated by commas or white space. InvalidArgument where
/// one is missing before, after or between commas; only a list of texts may be empty.
Result<std::vector<std::string>> splitList(const Option& option, std::string_view text);

/// The value as parseScalar reads it back: "64KiB", "10s", "true".
std::string formatScalar(const Scalar& value);

/// The word for values of this type, with article: "a size".
std::string_view describe(Type type);

}  // namespace mc::config
