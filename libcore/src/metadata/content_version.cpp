#include "metadata/content_version.h"

#include <openssl/evp.h>

#include <array>

namespace mc::metadata {

std::string contentVersion(std::string_view value) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (::EVP_Digest(value.data(), value.size(), digest.data(), &length, ::EVP_sha1(), nullptr) != 1) return {};
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2UL * length);
    for (unsigned i = 0; i < length; ++i) {
        text += kDigits[digest[i] >> 4];
        text += kDigits[digest[i] & 15U];
    }
    return text;
}

}  // namespace mc::metadata
