#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mc/error.h"

#include "nvme/host/controller.h"

namespace mc::perf {

struct HostLoadOptions {
    std::uint16_t port = 0;
    std::string nqn;
    std::size_t connections = 1;   ///< Controllers with one I/O queue each.
    std::uint32_t namespaces = 1;  ///< The first of the subsystem's, over which requests are spread.
    nvme::HostRequest::Kind operation = nvme::HostRequest::Kind::Read;
    std::uint64_t block_size = 4096;
    std::size_t depth = 32;  ///< Requests under way on each connection.
    bool header_digest = false;
    bool data_digest = false;
    double seconds = 2;  ///< 0: only connects.
    std::string congestion = "auto";
    bool hold = false;  ///< Stays connected after the report, until stdin ends.
};

/// Keeps random aligned requests under way on all connections, from this thread alone; prints what came of it.
Result<void> runHostLoad(const HostLoadOptions& options);

}  // namespace mc::perf
