#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/socket_address.h"

namespace mc::nvme::kernel {

/// Whom the kernel is to connect to.
struct KernelTarget {
    std::string transport = "tcp";  ///< tcp or rdma.
    std::vector<io::SocketAddress> addresses;
    std::string subsystem_nqn;
};

/// How. What the kernel counts in seconds is rounded up.
struct KernelHostOptions {
    std::string host_nqn;        ///< Empty: nvme::hostNqn() of this machine.
    std::string host_id;         ///< A UUID; empty: what the kernel has for that NQN, else as HostOptions::host_id.
    std::string key;             ///< "DHHC-1:...": proves who we are; empty: none.
    std::string controller_key;  ///< The controller has to prove who it is; empty: need not.
    bool header_digest = false;
    bool data_digest = false;
    int io_queues = 0;                   ///< 0: one for each CPU.
    int queue_entries = 0;               ///< Of each; 0: the kernel's default.
    std::chrono::seconds keep_alive{0};  ///< 0: the kernel's default.
    std::chrono::seconds reconnect_delay{1};
    /// So long the kernel tries to reconnect before it gives the controller up and requests fail; none: for ever. It
    /// counts attempts, and one at a target that is silent takes longer than reconnect_delay.
    std::optional<std::chrono::milliseconds> loss_timeout = std::chrono::minutes(10);
    /// So long after the connection was lost requests wait before they fail, and others fail at once, until it is back;
    /// none: as long as the controller is there. 0 is a second.
    std::optional<std::chrono::milliseconds> fail_timeout;
};

}  // namespace mc::nvme::kernel
