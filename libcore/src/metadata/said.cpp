#include "metadata/said.h"

#include <fmt/format.h>

#include <algorithm>

namespace mc::metadata {
namespace {

constexpr std::size_t kLongestQuote = 200;

}  // namespace

std::string shown(std::string_view text) {
    std::string line(text.substr(0, std::min(text.find_first_of("\r\n"), kLongestQuote)));
    std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return line;
}

std::string said(std::string_view text) {
    const std::string line = shown(text);
    return line.empty() ? "" : fmt::format(" ({})", line);
}

}  // namespace mc::metadata
