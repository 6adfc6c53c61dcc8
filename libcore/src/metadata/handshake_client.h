#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "io/socket_address.h"
#include "metadata/handshake_frame.h"

namespace mc::metadata {

struct HandshakeCallOptions {
    std::chrono::milliseconds connect_timeout{5000};            ///< MC_HANDSHAKE_CONNECT_TIMEOUT.
    std::chrono::milliseconds reply_timeout{60000};             ///< From the request's first byte to the reply's last.
    std::size_t max_message_length = kDefaultMaxMessageLength;  ///< Of the reply (MC_HANDSHAKE_MAX_LENGTH).
    int interrupt = -1;  ///< A descriptor; once readable, the call gives up: Unavailable.
};

/// Sends one message to the handshake daemon at the first of `addresses` that answers the connect, and returns the
/// reply's JSON, which is well-formed ("null" where the peer has no handler). Blocks. Errors name the peer:
/// Unavailable (refused, unreachable), TimedOut, Protocol (closed before the reply's end, wrong type, too long, no
/// JSON).
Result<std::string> callHandshake(const std::vector<io::SocketAddress>& addresses, MessageType type,
                                  std::string_view json, const HandshakeCallOptions& options = {});

/// The same over a connected, non-blocking socket.
Result<std::string> callHandshake(FileDescriptor socket, MessageType type, std::string_view json,
                                  const HandshakeCallOptions& options = {});

/// The same, to a host name or numeric address; Unavailable where it does not resolve.
Result<std::string> callHandshake(const std::string& host, std::uint16_t port, MessageType type, std::string_view json,
                                  const HandshakeCallOptions& options = {});

}  // namespace mc::metadata
