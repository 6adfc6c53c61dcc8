#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "mc/error.h"

#include "io/socket_address.h"
#include "metadata/handshake_client.h"
#include "metadata/rpc_meta.h"

namespace mc::metadata {

/// What is known of a server that has published where it is.
enum class OwnerState {
    Alive,    ///< Answers, or closes the connection without an answer, as engines before v0.3.11 do.
    Refused,  ///< Nobody listens at any of its addresses.
    Silent,   ///< No connection or no answer in time, at one of them at least.
    Unknown,  ///< Can't be asked: its name does not resolve, or no way leads there.
};

struct OwnerProbe {
    OwnerState state = OwnerState::Unknown;
    std::string detail;  ///< Why, or that it lives without an answer; empty for one that answers.

    bool alive() const { return state == OwnerState::Alive; }
};

/// "alive", "refused", ...
const char* toString(OwnerState state);

/// Asks the handshake daemon at these addresses, one after the other. Errors say nothing about it.
Result<OwnerProbe> probeOwner(const std::vector<io::SocketAddress>& addresses, const HandshakeCallOptions& options);

/// The same where its rpc_meta says it is; an error is Unknown.
OwnerProbe askOwner(const RpcMeta& owner, const HandshakeCallOptions& options);

/// Calls `work`, which has one descriptor open, with 0 to `count` - 1: up to 256 at once, and at most as many as
/// RLIMIT_NOFILE leaves room for, each in some thread. Less of them if it is stopped. What `work` throws ends the
/// process.
void manyAtOnce(std::size_t count, const std::function<void(std::size_t)>& work, const std::stop_token& stop);

}  // namespace mc::metadata
