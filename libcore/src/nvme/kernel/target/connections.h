#pragma once

#include <cstdint>
#include <filesystem>

#include "nvme/kernel/target/record.h"

namespace mc::nvmet {

/// The TCP connections that hosts have to an address now; the kernel tells nothing else of them. `proc_net`: where it
/// lists all connections.
std::uint64_t countConnections(const PortAddress& address, const std::filesystem::path& proc_net = "/proc/net");

}  // namespace mc::nvmet
