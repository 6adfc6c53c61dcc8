#pragma once

#include <functional>
#include <string>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "io/socket_address.h"
#include "metadata/keys.h"
#include "metadata/rpc_meta.h"
#include "metadata/store.h"

namespace mc {

/// A server's name in a metadata store, and who wants it.
struct NameClaim {
    metadata::Store& store;
    const metadata::KeyNames& keys;
    const EngineOptions& options;
    std::string name;
    metadata::RpcMeta location;  ///< Where the claimant says that it answers,
    io::SocketAddress bound;     ///< and the address on which it listens already.
    std::function<void(const Error&)> on_failed_put = [](const Error&) {};  ///< Which may be done all the same.
};

/// Publishes where the claimant is, if EngineOptions::take_over allows it; the version of the rpc_meta key. Else
/// AlreadyExists, naming the owner. A dead owner's descriptor is removed first, so that nobody reads it in vain.
///
/// An owner lives if it answers a probe, or closes the connection without an answer, as engines before v0.3.11 do.
/// It is dead if it can't be reached or stays silent for EngineOptions::probe_timeout, or if its address is the one
/// that the claimant has bound.
Result<std::string> claimName(const NameClaim& claim);

}  // namespace mc
