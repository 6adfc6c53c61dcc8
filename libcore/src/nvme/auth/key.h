#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/auth/hash.h"

namespace mc::nvme {

/// What a host or a controller proves its identity with, in the representation that nvme-cli makes and the kernel
/// takes (NVM Express Base Specification 2.0, section 8.13.5.8): "DHHC-1:HH:BASE64:". HH tells the hash function that
/// ties the secret to an NQN, 00: none; the base64 holds a secret of 32, 48 or 64 bytes and its CRC-32.
class AuthenticationKey {
  public:
    /// InvalidArgument for anything else; the text is not repeated.
    static Result<AuthenticationKey> parse(std::string_view text);
    /// From the first line of a file. Config if others than its owner may read it, or for what parse() refuses.
    static Result<AuthenticationKey> load(const std::string& path);

    std::string text() const;
    /// What the owner of `nqn` computes responses with. Internal if the library refuses.
    Result<auth::SecretBytes> transformed(std::string_view nqn) const;

  private:
    AuthenticationKey(std::optional<auth::Hash> hash, const auth::SecretBytes& secret) : hash_(hash), secret_(secret) {}

    std::optional<auth::Hash> hash_;
    auth::SecretBytes secret_;
};

}  // namespace mc::nvme
