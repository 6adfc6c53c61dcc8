#include "nvme/auth/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/errors.h"

namespace mc::nvme::auth {
namespace {

const EVP_MD* functionOf(Hash hash) {
    switch (hash) {
        case Hash::Sha256:
            return ::EVP_sha256();
        case Hash::Sha384:
            return ::EVP_sha384();
        case Hash::Sha512:
            return ::EVP_sha512();
    }
    return nullptr;
}

const unsigned char* raw(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::optional<Hash> hashOf(std::uint8_t number) {
    if (number < static_cast<std::uint8_t>(Hash::Sha256) || number > static_cast<std::uint8_t>(Hash::Sha512))
        return std::nullopt;
    return static_cast<Hash>(number);
}

std::size_t lengthOf(Hash hash) {
    switch (hash) {
        case Hash::Sha256:
            return 32;
        case Hash::Sha384:
            return 48;
        case Hash::Sha512:
            return 64;
    }
    return 0;
}

const char* toString(Hash hash) {
    switch (hash) {
        case Hash::Sha256:
            return "SHA-256";
        case Hash::Sha384:
            return "SHA-384";
        case Hash::Sha512:
            return "SHA-512";
    }
    return "none";
}

Result<SecretBytes> digest(Hash hash, std::span<const std::byte> data) {
    SecretBytes result(lengthOf(hash));
    auto* const to = reinterpret_cast<unsigned char*>(result.bytes().data());
    if (::EVP_Digest(data.data(), data.size(), to, nullptr, functionOf(hash), nullptr) != 1)
        return fail(ErrorCode::Internal, std::string(toString(hash)) + ": refused by OpenSSL");
    return result;
}

Result<SecretBytes> hmac(Hash hash, std::span<const std::byte> key, std::span<const std::byte> data) {
    SecretBytes result(lengthOf(hash));
    auto* const to = reinterpret_cast<unsigned char*>(result.bytes().data());
    if (::HMAC(functionOf(hash), key.data(), static_cast<int>(key.size()), raw(data), data.size(), to, nullptr) ==
        nullptr) {
        return fail(ErrorCode::Internal, std::string("HMAC with ") + toString(hash) + ": refused by OpenSSL");
    }
    return result;
}

}  // namespace mc::nvme::auth
