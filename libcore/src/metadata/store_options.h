#pragma once

#include "mc/engine_options.h"

#include "config/option.h"
#include "config/values.h"

namespace mc::metadata {

using StoreOptions = MetadataOptions;

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
    .summary = "PEM file of the authorities to trust with https",
    .details = "By default the system's. The server's certificate is always verified.",
};

/// What `values` of a tool with the five options above say.
StoreOptions storeOptionsFrom(const config::Values& values);

}  // namespace mc::metadata
