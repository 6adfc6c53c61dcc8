#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"

#include "bench/numa.h"

namespace mc::bench {

/// Zeroed memory on one NUMA node, every page of it there already. Move-only; unmaps on destruction.
class Buffer {
  public:
    static Result<Buffer> allocate(std::size_t size, const NumaNode& node);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer();

    std::span<std::byte> memory() const { return memory_; }
    /// "cpu:0", as a segment's topology names it.
    std::string location() const;

  private:
    Buffer(std::span<std::byte> memory, int node) : memory_(memory), node_(node) {}

    std::span<std::byte> memory_;
    int node_ = 0;
};

/// One buffer of `size` bytes on each node. System, with sizes, if the machine has less to give: asked before, because
/// the kernel's own answer to memory that isn't there is to kill a process.
Result<std::vector<Buffer>> allocateBuffers(std::size_t size, std::span<const NumaNode> nodes,
                                            const std::filesystem::path& meminfo = "/proc/meminfo");

}  // namespace mc::bench
