#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"

#include "io/numa.h"

namespace mc::io {

/// Which pages memory is made of.
enum class HugePages {
    Auto,         ///< Explicit ones of 2 MiB where there are enough, else as Transparent.
    Transparent,  ///< Ordinary ones that the kernel may join.
    Never,        ///< Ordinary ones.
    TwoMiB,       ///< Explicit ones, or an error.
    OneGiB,
};

struct BufferOptions {
    /// One: the memory is there. Several: it is spread over them, page by page.
    std::vector<NumaNode> nodes{{}};
    /// Whether the kernel is told so. Without, the first node's CPUs only touch it first; enough where there is one.
    bool bind = false;
    HugePages huge_pages = HugePages::Transparent;
    bool lock = false;  ///< Never paged out.
};

/// Zeroed memory, every page of it there already. Move-only; unmaps on destruction.
class Buffer {
  public:
    /// System, with sizes and what would help, where the machine has less to give; NotPermitted where it can't be
    /// locked.
    static Result<Buffer> allocate(std::size_t size, const BufferOptions& options);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer();

    std::span<std::byte> memory() const { return memory_; }
    /// "cpu:0", as a segment's topology names it; "*" for several nodes.
    const std::string& location() const { return location_; }
    std::uint64_t pageSize() const { return page_size_; }
    /// Whether the kernel may join its pages.
    bool transparent() const { return transparent_; }
    bool locked() const { return locked_; }

  private:
    Buffer() = default;
    static Result<Buffer> map(std::size_t size, const BufferOptions& options, std::uint64_t huge_page_size);
    Result<void> lock();

    std::span<std::byte> memory_;
    std::string location_;
    std::uint64_t page_size_ = 0;
    bool transparent_ = false;
    bool locked_ = false;
};

}  // namespace mc::io
