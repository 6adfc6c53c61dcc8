#pragma once

#include <chrono>
#include <cstdint>

namespace mc {

/// What a host's connections and I/O queues are doing at one moment: whether it is the disk, the network or the host
/// that others wait for.
struct FileHostLoad {
    std::chrono::microseconds round_trip{};    ///< Of its slowest connection.
    std::uint64_t retransmitted_segments = 0;  ///< By its connections since they were opened.
    std::uint64_t unacknowledged_bytes = 0;    ///< Given to the kernel, not acknowledged by the host,
    std::uint64_t unsent_bytes = 0;            ///< and those of them that were not even sent yet.
    std::uint64_t queued_bytes = 0;            ///< Wait in this process, since the kernel took no more.
    std::uint32_t commands = 0;                ///< Under way in its I/O queues; among them those
    std::uint32_t on_device = 0;               ///< that a device works on, or has yet to begin with,
    std::uint32_t awaiting_data = 0;           ///< whose data the host was asked for and has not sent yet, and
    std::uint32_t sending = 0;                 ///< whose answers wait to be sent.
};

}  // namespace mc
