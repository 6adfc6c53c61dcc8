#pragma once

#include <chrono>
#include <cstdint>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::io {

/// What the kernel knows of a TCP connection at this moment.
struct TcpFacts {
    std::chrono::microseconds round_trip{};    ///< Smoothed, as measured by what was sent so far.
    std::uint64_t retransmitted_segments = 0;  ///< Since it was opened.
    std::uint64_t unacknowledged_bytes = 0;    ///< Given to the kernel, not acknowledged by the peer,
    std::uint64_t unsent_bytes = 0;            ///< and those of them that were not even sent yet.
};

/// Three system calls, which don't wait. InvalidArgument or whatever else the kernel says of a socket that is no TCP
/// connection.
Result<TcpFacts> tcpFacts(const FileDescriptor& socket);

}  // namespace mc::io
