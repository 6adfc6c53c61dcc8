#include "mc-bench/side.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "base/address.h"
#include "io/numa.h"

namespace mc::bench {
namespace {

std::string hostName() {
    utsname system{};
    return ::uname(&system) == 0 ? system.nodename : "localhost";
}

}  // namespace

Result<std::unique_ptr<Side>> Side::open(const Settings& settings, const std::string& server_name) {
    return join(settings, server_name, "");
}

Result<std::unique_ptr<Side>> Side::openTarget(const Settings& settings) {
    if (settings.files.empty()) {
        auto buffers = allocate(settings.buffer_size);
        if (!buffers) return std::unexpected(buffers.error());
        auto side = open(settings, settings.local_server_name);
        if (!side) return side;
        if (auto added = (*side)->addMemory(std::move(*buffers), true); !added) return std::unexpected(added.error());
        return side;
    }
    auto side = join(settings, settings.local_server_name, "", settings.files_address);
    if (!side) return side;
    std::vector<FileEntry> files;
    files.reserve(settings.files.size());
    for (const auto& file : settings.files)
        files.push_back({.path = file.path, .options = {.size = file.size}});
    if (auto added = (*side)->engine_.registerLocalFileBatch(files); !added) return std::unexpected(added.error());
    return side;
}

Result<std::unique_ptr<Side>> Side::openUnnamed(const Settings& settings, const std::string& server_name) {
    const auto name = parseHostPort(server_name);
    if (!name) return std::unexpected(name.error());
    // In a metadata server two sides on one host would be one; without one, the bound port tells them apart.
    if (settings.metadata_server != "P2PHANDSHAKE")
        return join(settings, fmt::format("mc-bench-{}-{}", hostName(), ::getpid()), name->host);
    return join(settings, name->host.contains(':') ? "[" + name->host + "]" : name->host, "");
}

Result<std::unique_ptr<Side>> Side::join(const Settings& settings, const std::string& server_name,
                                         const std::string& connectable_name, const std::string& address) {
    std::unique_ptr<Side> side(new Side(settings.engine));
    if (auto joined = side->engine_.init(settings.metadata_server, server_name, connectable_name); !joined) {
        return std::unexpected(joined.error());
    }
    if (auto installed = side->engine_.installOrGetTransport(settings.protocol, address); !installed) {
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
