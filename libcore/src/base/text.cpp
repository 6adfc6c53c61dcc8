#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace mc {

std::string printable(std::string_view text) {
    std::string line;
    line.reserve(text.size());
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '\\') {
            line += "\\\\";
        } else if (letter == '\n') {
            line += "\\n";
        } else if (letter == '\t') {
            line += "\\t";
        } else if (code < 0x20 || code == 0x7f) {
            line += fmt::format("\\x{:02x}", code);
        } else {
            line += letter;
        }
    }
    return line;
}

std::string toLower(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::string withoutCredentials(std::string_view text) {
    std::string shown(text);
    for (auto scheme = shown.find("://"); scheme != std::string::npos; scheme = shown.find("://", scheme + 1)) {
        const auto begin = scheme + 3;
        const auto end = shown.find_first_of("/?# ,;", begin);
        const auto at = shown.substr(begin, end == std::string::npos ? end : end - begin).rfind('@');
        if (at != std::string::npos) shown.erase(begin, at + 1);
    }
    return shown;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
    std::string joined;
    for (const auto& part : parts) {
        if (&part != parts.data()) joined += separator;
        joined += part;
    }
    return joined;
}

std::string counted(std::size_t count, std::string_view noun) {
    const bool hisses = noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch") || noun.ends_with("sh");
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : hisses ? "es" : "s");
}

namespace {

// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a` (optimal string alignment); of the
// table only the last three rows.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last;
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last = std::exchange(last, std::exchange(row, std::vector<std::size_t>(b.size() + 1)));
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

std::optional<std::string> nearestName(std::string_view word, std::span<const std::string> candidates) {
    std::optional<std::string> nearest;
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        const std::size_t distance = editDistance(word, candidate);
        if (distance < best) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

}  // namespace mc
