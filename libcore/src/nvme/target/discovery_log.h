#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nvme/target/log_pages.h"
#include "nvme/target/registry.h"

namespace mc::nvme {

/// The discovery log page (NVMe-oF 1.1, section 5.3): the subsystems that a host may connect to, where it has reached
/// the target, and referrals to other targets.
std::vector<std::byte> makeDiscoveryLog(const Registry& registry, const std::string& host_nqn,
                                        const LogPages::Place& place);

}  // namespace mc::nvme
