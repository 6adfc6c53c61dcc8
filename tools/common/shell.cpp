#include "common/shell.h"

#include <fmt/format.h>

#include <algorithm>

namespace mc::tools {
namespace {

bool isControl(char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code < 0x20 || code == 0x7f;
}

// For what can't stand on one line otherwise.
std::string escaped(std::string_view text) {
    std::string result = "$'";
    for (const char letter : text) {
        if (isControl(letter)) {
            result += fmt::format("\\{:03o}", static_cast<unsigned char>(letter));
        } else {
            if (letter == '\'' || letter == '\\') result += '\\';
            result += letter;
        }
    }
    return result + "'";
}

}  // namespace

// A shell takes the brackets of an IPv6 address for a pattern, and much else for more.
std::string shellQuoted(std::string_view text) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-+,@%=";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
    if (std::ranges::any_of(text, isControl)) return escaped(text);
    std::string result = "'";
    for (const char letter : text) {
        if (letter == '\'') {
            result += "'\\''";
        } else {
            result += letter;
        }
    }
    return result + "'";
}

}  // namespace mc::tools
