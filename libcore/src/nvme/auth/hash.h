#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mc/error.h"

#include "nvme/auth/secret_bytes.h"

namespace mc::nvme::auth {

/// The hash functions of DH-HMAC-CHAP, by their numbers on the wire and in keys.
enum class Hash : std::uint8_t {
    Sha256 = 1,
    Sha384 = 2,
    Sha512 = 3,
};

/// Nothing for a number that stands for none.
std::optional<Hash> hashOf(std::uint8_t number);
std::size_t lengthOf(Hash hash);
const char* toString(Hash hash);

/// Internal if the library refuses.
Result<SecretBytes> digest(Hash hash, std::span<const std::byte> data);
Result<SecretBytes> hmac(Hash hash, std::span<const std::byte> key, std::span<const std::byte> data);

}  // namespace mc::nvme::auth
