#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mc/error.h"

namespace mc::config {

/// A scalar of a TOML file and where it stands: "bench.toml:3:14".
struct TomlScalar {
    std::variant<bool, std::int64_t, double, std::string> value;
    std::string where;
};

/// One key of a flat TOML file.
struct TomlEntry {
    std::string key;
    std::string key_where;
    std::string where;
    bool list = false;
    std::vector<TomlScalar> items;
};

/// Reads a flat TOML file. NoInput if there is none; Config, with file:line:column, for a syntax error, a table, a date
/// or a list in a list.
Result<std::vector<TomlEntry>> readToml(const std::string& path);

/// The scalar of `key` as text, as far as the file can be read: up to the line of its first error.
std::optional<std::string> glimpseToml(const std::string& path, std::string_view key);

/// `text` as TOML writes a string, quotes included.
std::string quoteToml(std::string_view text);

}  // namespace mc::config
