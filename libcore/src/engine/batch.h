#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "mc/error.h"
#include "mc/transfer.h"

#include "engine/segment_table.h"
#include "transport/completion.h"
#include "transport/region_table.h"
#include "transport/slice.h"

namespace mc {

class Transport;

/// The requests of one batch. Filled by one thread at a time; its memory is used again, never given back, so that a
/// late wake-up finds it.
struct Batch {
    explicit Batch(const RegionRegistry& local_memory) : local(local_memory) {}

    std::atomic<BatchID> id = 0;  ///< 0: free.
    std::size_t capacity = 0;
    std::size_t allocated = 0;  ///< Of the two arrays.
    std::unique_ptr<Task[]> tasks;
    std::unique_ptr<Slice[]> slices;  ///< One per task; a request that is cut finds room in `cut`.
    std::vector<std::unique_ptr<Slice[]>> cut;
    std::atomic<std::size_t> submitted = 0;
    Completion completion;
    Transport* transport = nullptr;   ///< The only one that took part,
    bool several_transports = false;  ///< unless there were more.
    RegionView local;
    SegmentView segments;
};

/// Batches by their number. A number holds a slot and how often it was used, so that a stale one is recognised.
class BatchTable {
  public:
    explicit BatchTable(const RegionRegistry& local_memory) : local_memory_(&local_memory) {}
    ~BatchTable();
    BatchTable(const BatchTable&) = delete;
    BatchTable& operator=(const BatchTable&) = delete;

    Result<BatchID> allocate(std::size_t capacity);
    /// Null for a number that is not in use.
    Batch* find(BatchID id) const;
    void release(Batch& batch);

  private:
    static constexpr std::size_t kChunk = 256;
    static constexpr std::size_t kMostChunks = 4096;
    static constexpr unsigned kSlotBits = 20;
    static_assert(kChunk * kMostChunks == std::size_t{1} << kSlotBits);
    using Chunk = std::vector<std::unique_ptr<Batch>>;

    static std::size_t slotOf(BatchID id) { return id & ((std::size_t{1} << kSlotBits) - 1); }

    const RegionRegistry* local_memory_;
    std::array<std::atomic<Chunk*>, kMostChunks> chunks_{};
    std::mutex mutex_;  // Guards what follows.
    std::vector<std::unique_ptr<Chunk>> owned_;
    std::vector<std::size_t> free_;
    std::uint64_t generation_ = 1;
};

}  // namespace mc
