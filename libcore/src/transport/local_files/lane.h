#pragma once

#include <memory>
#include <vector>

#include "io/block_queue.h"
#include "transport/block_files.h"
#include "transport/lane.h"

namespace mc::localfiles {

/// The requests of one client loop to the files of one segment.
class Lane final : public mc::Lane {
  public:
    /// `blocks`: of the loop; outlives the lane.
    Lane(LaneContext& context, BlockFilesBox& files, io::BlockQueue& blocks);

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
        std::shared_ptr<const BlockFiles> files;  ///< Keeps them open.
        std::uint64_t version = 0;                ///< Theirs, in the box.
        Transfer* next_free = nullptr;
    };
    /// Kept in the scratch memory of a slice that failed.
    struct Doubt {
        std::uint64_t number = 0;
        std::uint64_t version = 0;  ///< Of the files then.
    };
    static constexpr std::size_t kMostTransfers = 128;

    void start(Slice& slice, const std::shared_ptr<const BlockFiles>& files, std::uint64_t version);
    void carryOn(Transfer& transfer);
    static void onDone(io::BlockRequest& request, int error);
    bool takeResult(Transfer& transfer, int error);
    void end(Transfer& transfer, TaskStatus status);
    Slice& release(Transfer& transfer);
    bool doubt(Transfer& transfer);
    void wait(Slice& slice, const Doubt& doubt);
    void settleDoubts(SteadyClock::time_point now);

    LaneContext& context_;
    BlockFilesBox& files_;
    io::BlockQueue& blocks_;
    SliceQueue queue_;
    SliceQueue doubtful_;  ///< Failed; may be tried again when their files were looked at.
    std::vector<Transfer> transfers_;
    Transfer* free_ = nullptr;
    std::size_t in_flight_ = 0;
    bool failure_told_ = false;
    bool canceled_ = false;
};

}  // namespace mc::localfiles
