#pragma once

#include <string_view>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "config/option.h"
#include "config/values.h"

namespace mc {

inline constexpr std::string_view kNvmeofGroup = "NVMe-oF transport";

// The entries of NvmeofOptions in the engine's table.

inline constexpr config::Option kNvmeofDirectIo{
    .name = "nvmeof-direct-io",
    .type = config::Type::Flag,
    .environment = "MC_NVMEOF_GENERIC_DIRECT_IO",
    .group = kNvmeofGroup,
    .summary = "serve files past the page cache",
    .details =
        "Measures the disk, not the memory. Of the variable, 0, off, no and false mean off; "
        "Mooncake takes any value for on."};
inline constexpr config::Option kNvmeofInitiator{
    .name = "initiator",
    .type = config::Type::Choice,
    .environment = "MC_NVMEOF_GENERIC_INITIATOR",
    .choices = {"user", "kernel", "auto"},
    .fallback = "user",
    .group = kNvmeofGroup,
    .summary = "through what files of others are reached",
    .details =
        "user: hosts of this program, over TCP. kernel: the kernel's NVMe host, over TCP or RDMA, which needs root and "
        "its modules; a controller that is connected already is used, one that was not is disconnected at the end. "
        "auto: user, but kernel for RDMA."};
inline constexpr config::Option kNvmeofInitiatorPageCache{
    .name = "initiator-page-cache",
    .type = config::Type::Flag,
    .group = kNvmeofGroup,
    .summary = "with the kernel, read and write through this machine's page cache",
    .details =
        "Measures this machine's memory: writes end before the target has them, and reads may not see what others "
        "have written. Without, the cache is passed by, also for requests that are no whole blocks."};
inline constexpr config::Option kNvmeofWorkers{
    .name = "nvmeof-workers",
    .type = config::Type::Integer,
    .environment = "MC_NVMEOF_GENERIC_NUM_WORKERS",
    .min = "1",
    .max = "64",
    .fallback = "8",
    .group = kNvmeofGroup,
    .summary = "client loops, each with a controller of its own at each target",
    .details =
        "A loop connects when a thread that belongs to it first uses the target. With --initiator=kernel they share "
        "one, which has a queue for each."};
inline constexpr config::Option kNvmeofThreads{.name = "nvmeof-threads",
                                               .type = config::Type::Integer,
                                               .min = "1",
                                               .max = "256",
                                               .fallback = "4",
                                               .group = kNvmeofGroup,
                                               .summary = "server loops, over which connections are spread"};
inline constexpr config::Option kNvmeofQueueEntries{.name = "nvmeof-queue-entries",
                                                    .type = config::Type::Integer,
                                                    .min = "2",
                                                    .max = "1024",
                                                    .fallback = "128",
                                                    .group = kNvmeofGroup,
                                                    .summary = "requests that a client loop has under way at a target"};
inline constexpr config::Option kNvmeofHeaderDigest{.name = "header-digest",
                                                    .type = config::Type::Flag,
                                                    .group = kNvmeofGroup,
                                                    .summary = "as a client, protect headers by CRC32C"};
inline constexpr config::Option kNvmeofDataDigest{.name = "data-digest",
                                                  .type = config::Type::Flag,
                                                  .group = kNvmeofGroup,
                                                  .summary = "as a client, protect data by CRC32C"};
inline constexpr config::Option kNvmeofLossTimeout{
    .name = "nvmeof-loss-timeout",
    .type = config::Type::Duration,
    .fallback = "30s",
    .group = kNvmeofGroup,
    .summary = "how long to try to reconnect to a target before requests fail",
    .details =
        "With --initiator=kernel whole seconds, one at least, from when the kernel has noticed: at once where the "
        "connection was closed, else by its keep-alive, within about ten seconds."};

inline constexpr config::Option kNvmeofHostNqn{
    .name = "nvmeof-host-nqn",
    .placeholder = "NQN",
    .group = kNvmeofGroup,
    .summary =
        "name to give to targets; by default that of /etc/nvme/hostnqn, else "
        "one made of the machine's id"};
inline constexpr config::Option kNvmeofHostKey{
    .name = "nvmeof-host-key",
    .file = true,
    .group = kNvmeofGroup,
    .summary = "file whose first line is the key to prove that name with (DH-HMAC-CHAP)",
    .details = "As nvme gen-dhchap-key makes it. Only its owner may read the file."};
inline constexpr config::Option kNvmeofControllerKey{
    .name = "nvmeof-controller-key",
    .file = true,
    .group = kNvmeofGroup,
    .summary = "file whose first line is a key that targets must prove to have"};

/// Reads the keys' files.
Result<NvmeofOptions> nvmeofOptionsFrom(const config::Values& values);

}  // namespace mc
