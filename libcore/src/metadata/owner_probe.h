#pragma once

#include <string>
#include <vector>

#include "mc/error.h"

#include "io/socket_address.h"
#include "metadata/handshake_client.h"

namespace mc::metadata {

/// Whether a server that has published where it is still is there.
struct OwnerProbe {
    bool alive = false;
    std::string detail;  ///< Why it counts as dead, or that it lives without an answer; empty for one that answers.
};

/// Asks the handshake daemon at these addresses. It lives if it answers, or closes the connection without an answer, as
/// engines before v0.3.11 do; it is dead if it can't be reached or stays silent for as long as `options` says. Other
/// errors say nothing about it.
Result<OwnerProbe> probeOwner(const std::vector<io::SocketAddress>& addresses, const HandshakeCallOptions& options);

}  // namespace mc::metadata
