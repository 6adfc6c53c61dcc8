#pragma once

#include "config/option.h"

namespace mc::meta {

inline constexpr config::Option kProbeTimeout[] = {
    {.name = "probe-timeout",
     .type = config::Type::Duration,
     .min = "1ms",
     .max = "3599s",
     .fallback = "2s",
     .summary = "how long an owner has to answer"},
};
inline constexpr config::Option kLoopback[] = {
    {.name = "loopback-is-here",
     .type = config::Type::Flag,
     .toml = false,
     .summary = "ask owners at loopback addresses on this machine",
     .details = "They may be another machine's; without this, they are only asked if the metadata server is at such an "
                "address, too."},
};
inline constexpr config::Option kVerifyOptions[] = {
    {.name = "no-probe",
     .type = config::Type::Flag,
     .summary = "ask no owner whether it is there, and connect to no data port"},
};
inline constexpr config::Option kGcOptions[] = {
    {.name = "segment",
     .placeholder = "SEGMENT",
     .repeated = true,
     .positional = true,
     .toml = false,
     .summary = "only these"},
    {.name = "prefix", .summary = "only segments whose names begin with it"},
    {.name = "older-than",
     .placeholder = "AGE",
     .type = config::Type::Duration,
     .min = "0s",
     .summary = "only segments that were published longer ago",
     .details =
         "By the timestamp of the descriptor, which is of its writer's clock and time zone. A segment without one is "
         "not older."},
    {.name = "probe-interval",
     .type = config::Type::Duration,
     .min = "0s",
     .max = "1h",
     .fallback = "5s",
     .summary = "how long after the first probe the second one follows"},
    {.name = "silent-is-dead",
     .type = config::Type::Flag,
     .toml = false,
     .summary = "an owner that does not answer in time counts as dead, too",
     .details =
         "For machines that are gone as a whole. Otherwise only one counts whose machine says that nobody listens: "
         "silence may be that of a network, a firewall or a process that was stopped."},
    {.name = "without-conditions",
     .type = config::Type::Flag,
     .toml = false,
     .summary = "go on where the server knows no conditions",
     .details =
         "What is published at the moment of the removal may be lost then. Such a server has no lists either: name "
         "the segments."},
    {.name = "undo",
     .letter = 'o',
     .placeholder = "FILE",
     .file = true,
     .toml = false,
     .summary = "where to write what is removed",
     .details =
         "A dump, for mc-meta restore; on the disk before anything is removed. By default mc-meta-gc-TIME.jsonl in the "
         "current directory. It must not exist."},
    {.name = "dry-run",
     .type = config::Type::Flag,
     .toml = false,
     .summary = "only tell what would be removed, and ask nobody"},
    {.name = "yes", .type = config::Type::Flag, .toml = false, .summary = "remove it without asking"},
};

}  // namespace mc::meta
