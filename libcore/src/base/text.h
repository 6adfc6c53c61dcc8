#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mc {

/// For a line of text: control characters as \n, \t or \x1b, a backslash as two.
std::string printable(std::string_view text);

std::string toLower(std::string_view text);

/// The parts of `text` between `separator`s; empty parts are kept, an empty text has none.
std::vector<std::string> split(std::string_view text, char separator);

std::string join(std::span<const std::string> parts, std::string_view separator);

/// "2 files", "1 file", "0 flushes".
std::string counted(std::size_t count, std::string_view noun);

/// "http://host/x" of "http://user:password@host/x": for messages and records. Other text stays as it is.
std::string withoutCredentials(std::string_view text);

/// The candidate that a mistyped `word` most likely means, if any is near enough to be worth suggesting.
std::optional<std::string> nearestName(std::string_view word, std::span<const std::string> candidates);

}  // namespace mc
