#include "mount/mount_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ranges>

#include "base/errors.h"
#include "base/text.h"

namespace mc::mount {
namespace {

constexpr const char* kMountInfo = "/proc/self/mountinfo";

// Of mountinfo's lines (proc(5)): up to the "-" there may be more; behind it are the type and the source.
constexpr std::size_t kDevice = 2;
constexpr std::size_t kDirectory = 4;

bool isOctal(char digit) {
    return digit >= '0' && digit <= '7';
}

// Blanks and backslashes are written as \040.
std::string unescaped(std::string_view text) {
    constexpr std::size_t kDigits = 3;
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view digits = text.substr(i + 1, kDigits);
        if (text[i] != '\\' || digits.size() < kDigits || !std::ranges::all_of(digits, isOctal)) {
            plain += text[i];
            continue;
        }
        plain += static_cast<char>(((digits[0] - '0') << 6) | ((digits[1] - '0') << 3) | (digits[2] - '0'));
        i += kDigits;
    }
    return plain;
}

}  // namespace

std::vector<MountPoint> parseMountInfo(std::string_view text) {
    std::vector<MountPoint> mounts;
    for (const auto& line : split(text, '\n')) {
        const std::vector<std::string> fields = split(line, ' ');
        const auto dash = std::ranges::find(fields, "-");
        if (dash - fields.begin() <= static_cast<std::ptrdiff_t>(kDirectory) || fields.end() - dash < 3) continue;
        mounts.push_back({.directory = unescaped(fields[kDirectory]),
                          .type = unescaped(dash[1]),
                          .source = unescaped(dash[2]),
                          .device = fields[kDevice]});
    }
    return mounts;
}

Result<std::vector<MountPoint>> mountPoints() {
    std::ifstream file(kMountInfo);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file || text.empty()) return fail(ErrorCode::System, fmt::format("{}: can't be read", kMountInfo));
    return parseMountInfo(text);
}

std::optional<MountPoint> mountAt(const std::vector<MountPoint>& mounts, std::string_view directory) {
    for (const auto& mount : std::views::reverse(mounts)) {
        if (mount.directory == directory) return mount;
    }
    return std::nullopt;
}

}  // namespace mc::mount
