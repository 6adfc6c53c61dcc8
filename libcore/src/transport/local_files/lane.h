#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "io/block_queue.h"
#include "transport/lane.h"
#include "transport/local_files/file_chain.h"

namespace mc::localfiles {

/// A segment's files, which may be opened anew while lanes use them. From any thread.
class ChainBox {
  public:
    explicit ChainBox(std::shared_ptr<const FileChain> chain) : chain_(std::move(chain)) {}
    std::shared_ptr<const FileChain> get() const {
        const std::lock_guard lock(mutex_);
        return chain_;
    }
    void set(std::shared_ptr<const FileChain> chain) {
        const std::lock_guard lock(mutex_);
        chain_ = std::move(chain);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const FileChain> chain_;
};

/// The requests of one client loop to the files of one segment.
class Lane final : public mc::Lane {
  public:
    /// `blocks`: of the loop; outlives the lane.
    Lane(LaneContext& context, ChainBox& chain, io::BlockQueue& blocks);

    void push(Slice& slice) override { queue_.push(&slice); }
    void pump() override;
    bool connecting() const override { return false; }
    /// Of what waits here; what the kernel has may still touch the caller's memory, however late it is.
    void checkDeadlines(SteadyClock::time_point now) override;
    void excuse(SteadyClock::duration /*held_up*/) override {}
    void cancel() override;

  private:
    /// A slice under way, piece by piece.
    struct Transfer {
        io::BlockRequest request;
        Lane* lane = nullptr;
        Slice* slice = nullptr;
        std::uint64_t moved = 0;
        std::shared_ptr<const FileChain> chain;  ///< Keeps the files open.
        Transfer* next_free = nullptr;
    };
    static constexpr std::size_t kMostTransfers = 128;

    void start(Slice& slice, const std::shared_ptr<const FileChain>& chain);
    void carryOn(Transfer& transfer);
    static void onDone(io::BlockRequest& request, int error);
    bool takeResult(Transfer& transfer, int error);
    void end(Transfer& transfer, TaskStatus status);

    LaneContext& context_;
    ChainBox& chain_;
    io::BlockQueue& blocks_;
    SliceQueue queue_;
    std::vector<Transfer> transfers_;
    Transfer* free_ = nullptr;
    std::size_t in_flight_ = 0;
    bool failure_told_ = false;
};

}  // namespace mc::localfiles
