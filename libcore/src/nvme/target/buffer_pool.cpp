#include "nvme/target/buffer_pool.h"

#include <algorithm>
#include <utility>

namespace mc::nvme {

BufferPool::BufferPool(std::size_t limit, std::size_t largest) {
    std::size_t size_class = 0;
    while (size_class + 1 < kClasses && sizeOf(size_class) < largest) {
        ++size_class;
    }
    limit_ = std::max(limit, sizeOf(size_class));
}

BufferPool::Buffer BufferPool::take(std::size_t size) {
    std::uint8_t size_class = 0;
    while (sizeOf(size_class) < size) {
        if (++size_class == kClasses) return {};
    }
    auto& kept = free_[size_class];
    if (!kept.empty()) {
        Buffer buffer{std::move(kept.back()), size_class};
        kept.pop_back();
        in_use_ += buffer.size();
        return buffer;
    }
    if (!makeRoom(sizeOf(size_class))) return {};
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): owned by the next line
    void* const memory = ::operator new(sizeOf(size_class), std::align_val_t{kAlignment}, std::nothrow);
    if (memory == nullptr) return {};
    allocated_ += sizeOf(size_class);
    in_use_ += sizeOf(size_class);
    return {std::unique_ptr<std::byte, Release>(static_cast<std::byte*>(memory)), size_class};
}

// Buffers of other sizes go, the largest first.
bool BufferPool::makeRoom(std::size_t size) {
    for (std::size_t i = kClasses; i-- > 0 && allocated_ + size > limit_;) {
        while (!free_[i].empty() && allocated_ + size > limit_) {
            free_[i].pop_back();
            allocated_ -= sizeOf(i);
        }
    }
    return allocated_ + size <= limit_;
}

void BufferPool::give(Buffer buffer) {
    if (!buffer) return;
    in_use_ -= buffer.size();
    free_[buffer.size_class].push_back(std::move(buffer.memory));
}

void BufferPool::trim() {
    for (std::size_t i = 0; i < kClasses; ++i) {
        allocated_ -= free_[i].size() * sizeOf(i);
        free_[i].clear();
        free_[i].shrink_to_fit();
    }
}

}  // namespace mc::nvme
