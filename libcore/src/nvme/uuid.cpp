#include "nvme/uuid.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

namespace mc::nvme {
namespace {

bool dashFollows(std::size_t byte) {
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

}  // namespace

Uuid uuidOf(std::string_view text) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    Uuid uuid;
    std::copy_n(digest.begin(), uuid.size(), uuid.begin());
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0fU) | 0x80U);  // Version 8.
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3fU) | 0x80U);  // The variant of RFC 9562.
    return uuid;
}

std::string formatUuid(const Uuid& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        fmt::format_to(std::back_inserter(text), "{:02x}{}", uuid[i], dashFollows(i) ? "-" : "");
    }
    return text;
}

std::optional<Uuid> parseUuid(std::string_view text) {
    Uuid uuid{};
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (text.size() < 2) return std::nullopt;
        const std::string_view digits = text.substr(0, 2);
        const auto read = std::from_chars(digits.begin(), digits.end(), uuid[i], 16);
        if (read.ptr != digits.end()) return std::nullopt;
        text.remove_prefix(2);
        if (!dashFollows(i)) continue;
        if (!text.starts_with('-')) return std::nullopt;
        text.remove_prefix(1);
    }
    return text.empty() ? std::optional(uuid) : std::nullopt;
}

}  // namespace mc::nvme
