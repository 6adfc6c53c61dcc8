#include "metadata/owner_probe.h"

#include "metadata/handshake_messages.h"

namespace mc::metadata {

Result<OwnerProbe> probeOwner(const std::vector<io::SocketAddress>& addresses, const HandshakeCallOptions& options) {
    const auto reply = callHandshake(addresses, MessageType::Probe, kProbeRequest, options);
    if (reply) return OwnerProbe{.alive = true, .detail = {}};
    switch (reply.error().code) {
        case ErrorCode::Unavailable:
        case ErrorCode::TimedOut:
            return OwnerProbe{.alive = false, .detail = reply.error().message};
        case ErrorCode::Protocol:
            return OwnerProbe{.alive = true, .detail = "closes without an answer"};
        default:
            return std::unexpected(reply.error());
    }
}

}  // namespace mc::metadata
