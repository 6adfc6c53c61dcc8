#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "io/memory_buffer.h"

namespace mc::control {

/// Memory to serve: on one NUMA node, or spread over all.
struct MemoryRequest {
    std::uint64_t size = 0;
    std::optional<int> node;
};

/// "1GiB", "1GiB@cpu:0". InvalidArgument says what is wrong.
Result<MemoryRequest> parseMemoryRequest(std::string_view text);

/// How memory is taken.
struct MemoryOptions {
    io::HugePages huge_pages = io::HugePages::Auto;
    bool lock = false;
    std::stop_token stop;
};

/// Whether the nodes exist, and whether the machine has room for the sum.
Result<void> checkMemory(std::span<const MemoryRequest> requests, const MemoryOptions& options);

/// Takes all of it, after checkMemory(), or nothing; only some where a stop was requested meanwhile.
Result<std::vector<io::Buffer>> takeMemory(std::span<const MemoryRequest> requests, const MemoryOptions& options);

}  // namespace mc::control
