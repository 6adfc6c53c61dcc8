#include "nvme/auth/secret_bytes.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace mc::nvme::auth {

SecretBytes::SecretBytes(std::span<const std::byte> bytes) : size_(bytes.size()) {
    std::ranges::copy(bytes, bytes_.begin());
}

SecretBytes::~SecretBytes() {
    ::OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool SecretBytes::equals(std::span<const std::byte> other) const {
    return other.size() == size_ && ::CRYPTO_memcmp(bytes_.data(), other.data(), size_) == 0;
}

}  // namespace mc::nvme::auth
