#pragma once

#include "config/option.h"

namespace mc::meta {

inline constexpr config::Option kServeOptions[] = {
    {.name = "listen",
     .placeholder = "HOST:PORT",
     .repeated = true,
     .accumulates = true,
     .fallback = "127.0.0.1:8080",
     .group = "Server",
     .summary = "address to listen on; may be given several times",
     .details =
         "IPv6 in brackets: [::1]:8080. Port 0 picks a free one. Whoever reaches the address can read and change "
         "every key: nothing is authenticated."},
    {.name = "data",
     .placeholder = "FILE",
     .file = true,
     .group = "Server",
     .summary = "keep the keys in this file; without it, in memory only",
     .details =
         "Made if it does not exist. A change is on the disk before it is answered. One server at a time has the "
         "file open."},
    {.name = "max-store-size",
     .type = config::Type::Size,
     .min = "64KiB",
     .max = "16TiB",
     .fallback = "4GiB",
     .group = "Limits",
     .summary = "what all keys and values, or the file, may take",
     .details = "A change that needs more is refused with status 507. With --data all of it is in memory, too."},
    {.name = "max-value-size",
     .type = config::Type::Size,
     .min = "1",
     .max = "512MiB",
     .fallback = "64MiB",
     .group = "Limits",
     .summary = "longest value"},
    {.name = "max-connections",
     .type = config::Type::Integer,
     .min = "1",
     .max = "1000000",
     .fallback = "4096",
     .group = "Limits",
     .summary = "most connections at a time; status 503 above"},
    {.name = "max-watches",
     .type = config::Type::Integer,
     .min = "0",
     .max = "1000000",
     .fallback = "1000",
     .group = "Limits",
     .summary = "most watches at a time; status 503 above"},
    {.name = "idle-timeout",
     .type = config::Type::Duration,
     .min = "1s",
     .max = "24h",
     .fallback = "1m",
     .group = "Limits",
     .summary = "closes a connection on which nothing moves for so long"},
    {.name = "threads",
     .type = config::Type::Integer,
     .min = "1",
     .max = "64",
     .fallback = "2",
     .group = "Server",
     .summary = "threads that serve connections"},
};

inline constexpr config::Command kServe{
    .name = "serve",
    .summary = "run a metadata server",
    .description =
        "Serves the keys that Mooncake's engines find each other by, over HTTP, until SIGINT or SIGTERM. An engine "
        "that "
        "crashed can come back under its own name.\n\n"
        "Beyond the protocol of the stock servers: listing by prefix, conditions, watches, /health, and /metrics for "
        "Prometheus.",
    .examples = {{"For programs on this machine", "mc-meta serve"},
                 {"For other machines, with keys that outlive the server",
                  "mc-meta serve --listen=10.0.0.1:8080 --listen='[::1]:8080' --data=/var/lib/mc/metadata.db"}},
    .options = {kServeOptions},
};

}  // namespace mc::meta
