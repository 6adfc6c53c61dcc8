#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mc/error.h"

#include "nvme/auth/dh.h"
#include "nvme/auth/hash.h"
#include "nvme/auth/key.h"

namespace mc::nvme::auth {

/// Who talks to whom.
struct Parties {
    std::string host_nqn;
    std::string subsystem_nqn;
};

/// What both sides have agreed on.
struct Transaction {
    std::uint16_t id = 0;
    Hash hash = Hash::Sha256;
    DhGroup group = DhGroup::Null;
    std::optional<SecretBytes> session_key;  ///< With a group other than Null.
};

/// What one side asks the other to answer with its key.
struct Challenge {
    std::uint32_t sequence = 0;  ///< Never 0.
    SecretBytes value;           ///< lengthOf(hash) bytes; no secret.
};

/// A random one. Internal if the library refuses.
Result<Challenge> newChallenge(Hash hash);

/// What the host, or the controller, answers (Base Specification 2.0, section 8.13.5): an HMAC of the challenge and of
/// who answers whom. Internal if the library refuses.
Result<SecretBytes> hostResponse(const AuthenticationKey& key, const Parties& parties, const Transaction& transaction,
                                 const Challenge& challenge);
Result<SecretBytes> controllerResponse(const AuthenticationKey& key, const Parties& parties,
                                       const Transaction& transaction, const Challenge& challenge);

}  // namespace mc::nvme::auth
