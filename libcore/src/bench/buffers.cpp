#include "bench/buffers.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/units.h"

namespace mc::bench {

Result<std::vector<io::Buffer>> allocateBuffers(std::size_t size, std::span<const io::NumaNode> nodes,
                                                const io::MemoryFiles& files) {
    if (size == 0) return fail(ErrorCode::InvalidArgument, "buffer_size: must not be 0");
    const auto available = io::availableMemory(files);
    if (available && size > *available / nodes.size()) {
        return fail(ErrorCode::System,
                    fmt::format("allocate {} x {}: only {} MiB of memory are available", nodes.size(), formatSize(size),
                                *available >> 20),
                    "use a smaller --buffer_size, smaller blocks, batches or fewer threads");
    }
    std::vector<io::Buffer> buffers;
    for (const auto& node : nodes) {
        auto buffer = io::Buffer::allocate(size, {.nodes = {node}});
        if (!buffer) return std::unexpected(buffer.error());
        buffers.push_back(std::move(*buffer));
    }
    return buffers;
}

}  // namespace mc::bench
