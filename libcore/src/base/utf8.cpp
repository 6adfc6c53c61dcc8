#include "base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mc {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

// A lead byte allows fewer second bytes than 80 to BF where more would be too long a form, a surrogate or too large.
struct Lead {
    std::size_t length = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
};

constexpr Lead leadOf(unsigned char byte) {
    if (byte >= 0xc2 && byte <= 0xdf) return {.length = 2};
    if (byte == 0xe0) return {.length = 3, .low = 0xa0};
    if (byte == 0xed) return {.length = 3, .high = 0x9f};
    if (byte >= 0xe1 && byte <= 0xef) return {.length = 3};
    if (byte == 0xf0) return {.length = 4, .low = 0x90};
    if (byte == 0xf4) return {.length = 4, .high = 0x8f};
    if (byte >= 0xf1 && byte <= 0xf3) return {.length = 4};
    return {};
}

std::size_t asciiPrefix(std::string_view text) {
    std::size_t at = 0;
    for (std::uint64_t word = 0; at + sizeof(word) <= text.size(); at += sizeof(word)) {
        std::memcpy(&word, text.data() + at, sizeof(word));
        if ((word & kHighBits) != 0) break;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
        ++at;
    return at;
}

}  // namespace

bool isUtf8(std::string_view text) {
    for (;;) {
        text.remove_prefix(asciiPrefix(text));
        if (text.empty()) return true;
        const Lead lead = leadOf(static_cast<unsigned char>(text[0]));
        if (lead.length == 0 || text.size() < lead.length) return false;
        const auto second = static_cast<unsigned char>(text[1]);
        if (second < lead.low || second > lead.high) return false;
        for (std::size_t i = 2; i < lead.length; ++i) {
            if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
        }
        text.remove_prefix(lead.length);
    }
}

}  // namespace mc
