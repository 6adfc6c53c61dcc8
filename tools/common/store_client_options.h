#pragma once

#include "config/option.h"
#include "metadata/store_options.h"

namespace mc::tools {

/// Which server openClient() opens.
inline constexpr config::Option kServerOption[] = {
    {.name = "metadata-server",
     .placeholder = "URL",
     .environment = "MC_METADATA_SERVER",
     .fallback = "http://127.0.0.1:8080/metadata",
     .group = "Metadata server",
     .summary = "the metadata server",
     .details =
         "http:// or https://: mc-meta serve, or one of Mooncake's own, which know get, put and remove without "
         "conditions only. redis://[USER@]HOST[:PORT][/DATABASE]: Redis; without a port, 6379. "
         "etcd://HOST:2379[,HOST:2379...], or the same without etcd://: etcd, 3.4 or newer; with https:// before a "
         "HOST, or with one of the TLS files below, over TLS."},
};

/// How it does that.
inline constexpr config::Option kStoreOptions[] = {
    metadata::kMetadataConnectTimeout, metadata::kMetadataTimeout, metadata::kMetadataMaxValue,
    metadata::kMetadataProxy,          metadata::kMetadataCaFile,  metadata::kMetadataCertFile,
    metadata::kMetadataKeyFile,        metadata::kMetadataUser,    metadata::kMetadataPasswordFile,
    metadata::kRedisUsername,          metadata::kRedisPassword,   metadata::kRedisDatabase,
};

/// What commandDeadline() reads.
inline constexpr config::Option kTimeoutOption[] = {
    {.name = "timeout",
     .type = config::Type::Duration,
     .fallback = "0s",
     .summary = "how long the command may take; 0: as long as its requests",
     .details = "Each request has its limit, --metadata-timeout."},
};

}  // namespace mc::tools
