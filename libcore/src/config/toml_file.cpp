#include "config/toml_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::config {
namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;

Result<std::string> readWhole(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failErrno("open", path, errno);
    std::string content;
    std::array<char, 16384> chunk;
    while (true) {
        const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EISDIR) {
            return fail(ErrorCode::NoInput, fmt::format("read {}: a directory, not a configuration file", path),
                        "name the TOML file in it");
        }
        if (got < 0) return failErrno("read", path, errno);
        if (got == 0) return content;
        if (content.size() + static_cast<std::size_t>(got) > kMaxFileSize) {
            return fail(ErrorCode::Config, fmt::format("{}: larger than {} bytes", path, kMaxFileSize),
                        "is this a configuration file?");
        }
        content.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

// The offset of line `number`, which counts from 1.
std::size_t startOfLine(std::string_view text, std::size_t number) {
    std::size_t offset = 0;
    for (std::size_t line = 1; line < number; ++line) {
        const auto end = text.find('\n', offset);
        if (end == std::string_view::npos) return text.size();
        offset = end + 1;
    }
    return offset;
}

std::string position(const std::string& path, const toml::source_region& source) {
    return fmt::format("{}:{}:{}", path, source.begin.line, source.begin.column);
}

std::unexpected<Error> unfit(const std::string& where, std::string_view key, std::string_view what) {
    return fail(ErrorCode::Config, fmt::format("{}: {}: {} is not a value here", where, key, what),
                "write key = value or key = [value, value]");
}

Result<TomlScalar> readScalar(const toml::node& node, std::string_view key, const std::string& path) {
    TomlScalar scalar{.value = false, .where = position(path, node.source())};
    if (const auto* on = node.as_boolean()) {
        scalar.value = on->get();
    } else if (const auto* integer = node.as_integer()) {
        scalar.value = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
        scalar.value = number->get();
    } else if (const auto* text = node.as_string()) {
        scalar.value = text->get();
    } else if (node.is_table()) {
        return unfit(scalar.where, key, "a table");
    } else if (node.is_array()) {
        return unfit(scalar.where, key, "a list in a list");
    } else {
        return unfit(scalar.where, key, "a date or time");
    }
    return scalar;
}

Result<std::vector<TomlEntry>> flatten(const toml::table& table, const std::string& path) {
    std::vector<TomlEntry> entries;
    for (const auto& [key, node] : table) {
        TomlEntry entry{.key = std::string(key.str()),
                        .key_where = position(path, key.source()),
                        .where = position(path, node.source()),
                        .list = node.is_array(),
                        .items = {}};
        const auto add = [&](const toml::node& item) -> Result<void> {
            auto scalar = readScalar(item, entry.key, path);
            if (!scalar) return std::unexpected(std::move(scalar.error()));
            entry.items.push_back(std::move(*scalar));
            return {};
        };
        if (const auto* array = node.as_array()) {
            for (const auto& item : *array) {
                if (auto added = add(item); !added) return std::unexpected(std::move(added.error()));
            }
        } else if (auto added = add(node); !added) {
            return std::unexpected(std::move(added.error()));
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace

Result<std::vector<TomlEntry>> readToml(const std::string& path) {
    auto content = readWhole(path);
    if (!content) return std::unexpected(std::move(content.error()));
    try {
        return flatten(toml::parse(*content, path), path);
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::Config, fmt::format("{}: {}", position(path, error.source()), error.description()));
    }
}

std::optional<std::string> glimpseToml(const std::string& path, std::string_view key) {
    auto content = readWhole(path);
    if (!content) return std::nullopt;
    toml::table table;
    for (const bool whole : {true, false}) {
        try {
            table = toml::parse(*content, path);
            break;
        } catch (const toml::parse_error& error) {
            if (!whole) return std::nullopt;
            content->resize(startOfLine(*content, error.source().begin.line));
        }
    }
    const auto value = table[key];
    if (const auto text = value.value_exact<std::string>()) return text;
    if (const auto on = value.value_exact<bool>()) return *on ? "true" : "false";
    return std::nullopt;
}

std::string quoteToml(std::string_view text) {
    std::ostringstream stream;
    stream << toml::toml_formatter{toml::table{{"k", text}}, toml::format_flags::none};
    return stream.str().substr(std::string_view("k = ").size());
}

}  // namespace mc::config
