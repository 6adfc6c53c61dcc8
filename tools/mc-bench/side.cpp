#include "mc-bench/side.h"

#include <utility>

#include "io/numa.h"

namespace mc::bench {

Result<std::unique_ptr<Side>> Side::open(const Settings& settings, const std::string& server_name) {
    std::unique_ptr<Side> side(new Side(settings.engine));
    if (auto joined = side->engine_.init(settings.metadata_server, server_name); !joined) {
        return std::unexpected(joined.error());
    }
    if (auto installed = side->engine_.installOrGetTransport(settings.protocol); !installed) {
        return std::unexpected(installed.error());
    }
    return side;
}

Result<std::vector<io::Buffer>> Side::allocate(std::size_t size) {
    return allocateBuffers(size, io::numaNodes());
}

Result<std::vector<std::span<std::byte>>> Side::addMemory(std::vector<io::Buffer> buffers, bool remote_accessible) {
    std::vector<std::span<std::byte>> memory;
    for (auto& buffer : buffers) {
        memory.push_back(buffer.memory());
        buffers_.push_back(std::move(buffer));
        const auto registered = engine_.registerLocalMemory(memory.back().data(), memory.back().size(),
                                                            buffers_.back().location(), remote_accessible);
        if (!registered) return std::unexpected(registered.error());
    }
    return memory;
}

}  // namespace mc::bench
