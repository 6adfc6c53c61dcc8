#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace mc::nvme {

/// Page-aligned buffers for the data of the commands of one loop. Buffers that were given back are handed out again
/// without a system call; all together never take more than the limit. Used by the loop's thread alone.
class BufferPool {
  public:
    static constexpr std::size_t kAlignment = 4096;
    static constexpr std::size_t kSmallest = 16 << 10;

    struct Release {
        void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t{kAlignment}); }
    };
    /// Empty, or at least as large as it was asked for.
    struct Buffer {
        std::unique_ptr<std::byte, Release> memory;
        std::uint8_t size_class = 0;

        explicit operator bool() const { return memory != nullptr; }
        std::size_t size() const { return memory == nullptr ? 0 : sizeOf(size_class); }
    };

    /// `limit`: bytes; at least one buffer of `largest` bytes can be had, whatever the limit.
    BufferPool(std::size_t limit, std::size_t largest);

    /// An empty one where the limit is reached: what is in use has to come back first. `size` up to `largest`.
    Buffer take(std::size_t size);
    void give(Buffer buffer);
    /// Frees what nobody uses.
    void trim();
    /// Bytes, in use or kept.
    std::size_t allocated() const { return allocated_; }
    /// Bytes that are not in use.
    std::size_t room() const { return limit_ - in_use_; }

  private:
    static constexpr std::size_t kClasses = 8;  // Each four times as large as the one before.
    static constexpr std::size_t sizeOf(std::size_t size_class) { return kSmallest << (2 * size_class); }
    bool makeRoom(std::size_t size);

    std::size_t limit_;
    std::size_t allocated_ = 0;
    std::size_t in_use_ = 0;
    std::array<std::vector<std::unique_ptr<std::byte, Release>>, kClasses> free_;
};

}  // namespace mc::nvme
