#pragma once

#include <vector>

#include "nvme/auth/dh.h"
#include "nvme/auth/hash.h"

namespace mc::nvme {

/// What may be used, best first. A controller takes the first of each that the host offers, too; a host offers all and
/// accepts no other. A secret from gen-dhchap-key is as strong with any of it; the defaults prefer what costs least,
/// as it is computed where commands wait. Without Null, who has recorded a handshake can't try guesses of a weak
/// secret against it.
///
/// A host that offers Null alone is refused by the kernel's target (6.12) that is set to Null: it looks for another.
struct AuthenticationPolicy {
    std::vector<auth::Hash> hashes{auth::Hash::Sha256, auth::Hash::Sha384, auth::Hash::Sha512};
    std::vector<auth::DhGroup> groups{auth::DhGroup::Ffdhe2048, auth::DhGroup::Ffdhe3072, auth::DhGroup::Ffdhe4096,
                                      auth::DhGroup::Ffdhe6144, auth::DhGroup::Ffdhe8192, auth::DhGroup::Null};
};

/// Of a target, whose loop serves others while it computes for a host that has yet to show who it is: no groups that
/// take long. A handshake takes 0.6 ms of ffdhe2048, 3 ms of ffdhe4096, but 7 and 13 ms of the two above (OpenSSL 3.0
/// on a core of 3 GHz), which no host insists on by default.
inline AuthenticationPolicy servingPolicy() {
    AuthenticationPolicy policy;
    std::erase(policy.groups, auth::DhGroup::Ffdhe6144);
    std::erase(policy.groups, auth::DhGroup::Ffdhe8192);
    return policy;
}

}  // namespace mc::nvme
