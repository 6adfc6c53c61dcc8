#include "bench/buffers.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/units.h"

namespace mc::bench {
namespace {

constexpr std::size_t kPage = 4096;

// The first write decides the node of a page, so it is done by a thread that runs there.
int touchFrom(const NumaNode& node, std::span<std::byte> memory) {
    int error = 0;
    std::jthread toucher([&] {
        if (!node.cpus.empty()) {
            cpu_set_t set;
            CPU_ZERO(&set);
            for (const int cpu : node.cpus)
                CPU_SET(cpu, &set);
            ::sched_setaffinity(0, sizeof(set), &set);  // Where this is forbidden, the memory is somewhere else.
        }
        if (::madvise(memory.data(), memory.size(), MADV_POPULATE_WRITE) == 0) return;
        if (errno != EINVAL) {
            error = errno;
            return;
        }
        // Kernels before 5.14.
        for (std::size_t at = 0; at < memory.size(); at += kPage) {
            *static_cast<volatile std::byte*>(memory.data() + at) = std::byte{0};
        }
    });
    toucher.join();
    return error;
}

std::optional<std::uint64_t> availableMemory(const std::filesystem::path& meminfo) {
    std::ifstream file(meminfo);
    std::string name, unit;
    for (std::uint64_t kib = 0; file >> name >> kib; std::getline(file, unit)) {
        if (name == "MemAvailable:") return kib * 1024;
    }
    return std::nullopt;
}

}  // namespace

Result<Buffer> Buffer::allocate(std::size_t size, const NumaNode& node) {
    const auto object = [&] { return fmt::format("{} on NUMA node {}", formatSize(size), node.id); };
    void* const addr =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (addr == MAP_FAILED) return failErrno("allocate", object(), errno);
    Buffer buffer({static_cast<std::byte*>(addr), size}, node.id);
    ::madvise(addr, size, MADV_HUGEPAGE);  // Advice only: some kernels have none.
    if (const int error = touchFrom(node, buffer.memory_)) return failErrno("allocate", object(), error);
    return buffer;
}

Buffer::Buffer(Buffer&& other) noexcept : memory_(std::exchange(other.memory_, {})), node_(other.node_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(node_, other.node_);
    return *this;
}

Buffer::~Buffer() {
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

std::string Buffer::location() const {
    return fmt::format("cpu:{}", node_);
}

Result<std::vector<Buffer>> allocateBuffers(std::size_t size, std::span<const NumaNode> nodes,
                                            const std::filesystem::path& meminfo) {
    if (size == 0) return fail(ErrorCode::InvalidArgument, "buffer_size: must not be 0");
    const auto available = availableMemory(meminfo);
    if (available && size > *available / nodes.size()) {
        return fail(ErrorCode::System,
                    fmt::format("allocate {} x {}: only {} MiB of memory are available", nodes.size(), formatSize(size),
                                *available >> 20),
                    "use a smaller --buffer_size, smaller blocks, batches or fewer threads");
    }
    std::vector<Buffer> buffers;
    for (const auto& node : nodes) {
        auto buffer = Buffer::allocate(size, node);
        if (!buffer) return std::unexpected(buffer.error());
        buffers.push_back(std::move(*buffer));
    }
    return buffers;
}

}  // namespace mc::bench
