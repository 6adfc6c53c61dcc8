#pragma once

#include <cstdint>
#include <string>

#include "mc/error.h"

namespace mc::perf {

struct MemoryTargetOptions {
    std::uint32_t namespaces = 1;
    std::uint64_t namespace_size = std::uint64_t{1} << 30;  ///< Bytes.
    int threads = 1;
    std::string congestion = "auto";
};

/// Serves namespaces of memory on a free loopback port until stdin ends; prints {port, nqn, pid} when ready.
Result<void> serveMemory(const MemoryTargetOptions& options);

}  // namespace mc::perf
