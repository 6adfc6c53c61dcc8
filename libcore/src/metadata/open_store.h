#pragma once

#include <memory>
#include <string_view>

#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata {

/// True for "P2PHANDSHAKE", exactly: no store, descriptors are fetched from their owners' handshake daemons.
bool isP2pHandshake(std::string_view uri);

/// Opens the store that `uri` names: "memory:" (a new, empty one), "http://host:8080/metadata", "https://...",
/// "redis://host", "etcd://host:2379,...", "host:2379,..." (etcd, too). No server is talked to yet. Unsupported for a
/// kind of store that is known elsewhere and not in this build (rediss://); InvalidArgument for all else,
/// "P2PHANDSHAKE" included.
Result<std::unique_ptr<Store>> openStore(std::string_view uri, const StoreOptions& options = {});

}  // namespace mc::metadata
