#pragma once

#include "mc/engine_options.h"

#include "config/option.h"
#include "config/values.h"

namespace mc::metadata {

using StoreOptions = MetadataOptions;

inline constexpr config::Option kMetadataClusterId{
    .name = "cluster-id",
    .environment = "MC_METADATA_CLUSTER_ID",
    .group = "Metadata server",
    .summary = "part of the metadata keys that keeps clusters apart",
};
inline constexpr config::Option kMetadataConnectTimeout{
    .name = "metadata-connect-timeout",
    .type = config::Type::Duration,
    .environment = "MC_METADATA_CONNECT_TIMEOUT",
    .min = "1ms",
    .max = "3599s",
    .fallback = "1500ms",
    .group = "Metadata server",
    .summary = "how long to wait for a connection to the metadata server",
};
inline constexpr config::Option kMetadataTimeout{
    .name = "metadata-timeout",
    .type = config::Type::Duration,
    .environment = "MC_METADATA_TIMEOUT",
    .min = "1ms",
    .max = "3599s",
    .fallback = "3s",
    .group = "Metadata server",
    .summary = "how long one request to the metadata server may take",
};
inline constexpr config::Option kMetadataMaxValue{
    .name = "metadata-max-value",
    .type = config::Type::Size,
    .environment = "MC_METADATA_MAX_VALUE",
    .min = "1",
    .max = "1GiB",
    .fallback = "64MiB",
    .group = "Metadata server",
    .summary = "longest value to accept from the metadata server",
};
inline constexpr config::Option kMetadataProxy{
    .name = "metadata-proxy",
    .placeholder = "URL",
    .secret = true,
    .environment = "MC_METADATA_PROXY",
    .group = "Metadata server",
    .summary = "proxy on the way to the metadata server",
    .details = "Without it none is used: http_proxy and its like don't count.",
};
inline constexpr config::Option kMetadataCaFile{
    .name = "metadata-ca-file",
    .file = true,
    .environment = "MC_METADATA_CA_FILE",
    .group = "Metadata server",
    .summary = "PEM file of the authorities to trust with TLS",
    .details =
        "By default the system's. The server's certificate is always verified. With this option, or the two "
        "below, etcd is only ever talked to over TLS.",
};

inline constexpr config::Option kMetadataCertFile{
    .name = "metadata-cert-file",
    .file = true,
    .environment = "MC_METADATA_CERT_FILE",
    .group = "Metadata server",
    .summary = "PEM file of the certificate to show with TLS",
    .details = "For a server that asks its clients for one. It may have the key in it, too.",
};
inline constexpr config::Option kMetadataKeyFile{
    .name = "metadata-key-file",
    .file = true,
    .environment = "MC_METADATA_KEY_FILE",
    .group = "Metadata server",
    .summary = "PEM file of that certificate's key",
    .details = "Nobody else should be able to read it; if others can, a warning says so.",
};

inline constexpr config::Option kMetadataUser{
    .name = "metadata-user",
    .placeholder = "NAME",
    .environment = "MC_METADATA_USER",
    .group = "Metadata server",
    .summary = "user of the metadata server",
    .details =
        "Of Redis: a user in the URI, redis://NAME@HOST, counts before this one, and MC_REDIS_USERNAME after it; "
        "without any, it is Redis' own default. Of etcd: a user with a password, where authentication is on. HTTP "
        "servers have none.",
};
inline constexpr config::Option kMetadataPasswordFile{
    .name = "metadata-password-file",
    .file = true,
    .environment = "MC_METADATA_PASSWORD_FILE",
    .group = "Metadata server",
    .summary = "file whose first line is the password",
    .details =
        "Only its owner should be able to read it. Without it, for Redis only, MC_REDIS_PASSWORD is the password.",
};
inline constexpr config::Option kRedisUsername{
    .name = "redis-username",
    .environment = "MC_REDIS_USERNAME",
    .environment_only = true,
};
inline constexpr config::Option kRedisPassword{
    .name = "redis-password",
    .secret = true,
    .environment = "MC_REDIS_PASSWORD",
    .environment_only = true,
};
inline constexpr config::Option kRedisDatabase{
    .name = "redis-db-index",
    .type = config::Type::Integer,
    .environment = "MC_REDIS_DB_INDEX",
    .environment_only = true,
    .min = "0",
    .max = "255",
    .fallback = "0",
};

/// What `values` of a tool with the options above say; reads the password's file.
Result<StoreOptions> storeOptionsFrom(const config::Values& values);

}  // namespace mc::metadata
