#include "engine/batch.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace mc {

BatchTable::~BatchTable() = default;

Result<BatchID> BatchTable::allocate(std::size_t capacity) {
    constexpr std::size_t kMostRequests = std::size_t{1} << 20;
    if (capacity == 0 || capacity > kMostRequests) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("batch of {} requests: the size must be 1 to {}", capacity, kMostRequests));
    }
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
        if (owned_.size() == kMostChunks)
            return fail(ErrorCode::System, fmt::format("more than {} batches in use", kChunk * kMostChunks));
        auto chunk = std::make_unique<Chunk>();
        for (std::size_t i = 0; i < kChunk; ++i) {
            chunk->push_back(std::make_unique<Batch>(*local_memory_));
        }
        for (std::size_t i = kChunk; i-- > 0;) {
            free_.push_back((owned_.size() * kChunk) + i);
        }
        chunks_[owned_.size()].store(chunk.get(), std::memory_order_release);
        owned_.push_back(std::move(chunk));
    }
    const std::size_t slot = free_.back();
    free_.pop_back();
    Batch& batch = *(*owned_[slot / kChunk])[slot % kChunk];
    if (batch.allocated < capacity) {
        batch.tasks = std::make_unique<Task[]>(capacity);
        batch.slices = std::make_unique<Slice[]>(capacity);
        batch.allocated = capacity;
    }
    batch.capacity = capacity;
    batch.submitted.store(0, std::memory_order_relaxed);
    batch.transport = nullptr;
    batch.several_transports = false;
    batch.completion.forget();
    const BatchID id = (generation_++ << kSlotBits) | slot;
    batch.id.store(id, std::memory_order_release);
    return id;
}

Batch* BatchTable::find(BatchID id) const {
    const std::size_t slot = slotOf(id);
    const Chunk* const chunk = chunks_[slot / kChunk].load(std::memory_order_acquire);
    if (chunk == nullptr || id == 0) return nullptr;
    Batch* const batch = (*chunk)[slot % kChunk].get();
    return batch->id.load(std::memory_order_acquire) == id ? batch : nullptr;
}

void BatchTable::release(Batch& batch) {
    const std::lock_guard lock(mutex_);
    const std::size_t slot = slotOf(batch.id.load(std::memory_order_relaxed));
    batch.id.store(0, std::memory_order_release);
    batch.cut.clear();
    free_.push_back(slot);
}

}  // namespace mc
