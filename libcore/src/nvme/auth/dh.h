#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mc/error.h"

#include "nvme/auth/hash.h"

struct evp_pkey_st;

namespace mc::nvme::auth {

/// The Diffie-Hellman groups of DH-HMAC-CHAP (those of RFC 7919), by their numbers on the wire.
enum class DhGroup : std::uint8_t {
    Null = 0,  ///< No exchange: HMAC alone.
    Ffdhe2048 = 1,
    Ffdhe3072 = 2,
    Ffdhe4096 = 3,
    Ffdhe6144 = 4,
    Ffdhe8192 = 5,
};

/// Nothing for a number that stands for none.
std::optional<DhGroup> dhGroupOf(std::uint8_t number);
/// Of the values that are exchanged, in bytes; 0 for Null.
std::size_t lengthOf(DhGroup group);
const char* toString(DhGroup group);

/// A private value, made for one transaction, and its public one.
class DhKey {
  public:
    /// `group` is not Null. Internal if the library refuses.
    static Result<DhKey> generate(DhGroup group);

    /// Big endian, lengthOf(group) bytes.
    std::span<const std::byte> publicValue() const { return public_; }
    /// The digest of what both sides now share. BadData if `peer` is not a public value of the group.
    Result<SecretBytes> sessionKey(Hash hash, std::span<const std::byte> peer) const;

  private:
    struct Free {
        void operator()(evp_pkey_st* key) const;
    };
    using Key = std::unique_ptr<evp_pkey_st, Free>;

    DhKey(DhGroup group, Key key, std::vector<std::byte> value);
    static Key importPublic(DhGroup group, std::span<const std::byte> value);

    DhGroup group_;
    Key key_;
    std::vector<std::byte> public_;
};

}  // namespace mc::nvme::auth
