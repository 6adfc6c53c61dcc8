#include "memory_target.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <utility>

#include "io/block_device.h"
#include "io/socket.h"
#include "nvme/target/target.h"
#include "nvme/uuid.h"

namespace mc::perf {
namespace {

constexpr const char* kNqn = "nqn.2016-06.io.mc:perf";

Result<void> addNamespace(nvme::Target& target, std::uint32_t nsid, std::uint64_t size) {
    const std::string name = fmt::format("memory {}", nsid);
    auto device = io::makeMemoryDevice(name, size);
    if (!device) return std::unexpected(device.error());
    // A page that was never written is the kernel's page of zeroes, which stays in the CPU's cache.
    std::ranges::fill((*device)->memory(), std::byte{0x5a});
    const nvme::Uuid identity = nvme::uuidOf(name);
    return target.addNamespace(kNqn, {.nsid = nsid, .device = std::move(*device), .nguid = identity, .uuid = identity});
}

}  // namespace

Result<void> serveMemory(const MemoryTargetOptions& options) {
    const auto addresses = io::resolve("127.0.0.1", 0);
    if (!addresses) return std::unexpected(addresses.error());
    auto listener = io::listenOn(addresses->front(), SOMAXCONN);
    if (!listener) return std::unexpected(listener.error());
    nvme::TargetOptions target_options;
    target_options.threads = options.threads;
    target_options.congestion = options.congestion;
    const auto target = nvme::Target::start(std::move(*listener), target_options);
    if (!target) return std::unexpected(target.error());
    nvme::SubsystemOptions subsystem;
    subsystem.nqn = kNqn;
    subsystem.serial = "perf";
    if (auto added = (*target)->addSubsystem(subsystem); !added) return added;
    for (std::uint32_t nsid = 1; nsid <= options.namespaces; ++nsid) {
        if (auto added = addNamespace(**target, nsid, options.namespace_size); !added) return added;
    }
    fmt::print("{{\"port\": {}, \"nqn\": \"{}\", \"pid\": {}}}\n", (*target)->port(), kNqn, ::getpid());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return {};
}

}  // namespace mc::perf
