#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "io/socket_address.h"
#include "nvme/host/controller.h"

namespace mc::nvme {

/// What a discovery controller tells of one place where a subsystem is reached.
struct DiscoveryEntry {
    enum class Kind : std::uint8_t { Referral = 1, Subsystem = 2, Current = 3, Other = 0 };
    Kind kind = Kind::Other;
    std::string transport;  ///< "tcp", "rdma", "fc", "loop", or the number.
    std::string family;     ///< "ipv4", "ipv6", "ib", "fc", "loop", or the number.
    std::string traddr;
    std::string trsvcid;
    std::string subsystem_nqn;
    std::uint16_t port_id = 0;
    std::uint16_t controller_id = 0;

    bool operator==(const DiscoveryEntry&) const = default;
};

/// Asks the discovery controller at the first of the addresses that answers. TimedOut after the deadline; what the
/// controller says is bounded, and an error if it contradicts itself. From any thread; it sleeps meanwhile.
Result<std::vector<DiscoveryEntry>> discover(const std::vector<io::SocketAddress>& addresses,
                                             const HostOptions& options, SteadyClock::time_point deadline);

}  // namespace mc::nvme
