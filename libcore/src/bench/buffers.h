#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mc/error.h"

#include "io/available_memory.h"
#include "io/memory_buffer.h"

namespace mc::bench {

/// One buffer of `size` bytes on each node. System, with sizes, if the machine has less to give than all of them need.
Result<std::vector<io::Buffer>> allocateBuffers(std::size_t size, std::span<const io::NumaNode> nodes,
                                                const io::MemoryFiles& files = {});

}  // namespace mc::bench
