#include "transport/lane.h"

namespace mc {

void LaneContext::finish(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now) {
    // No other thread writes these at the same time: no locked instruction is needed.
    const auto count = [](std::atomic<std::uint64_t>& counter, std::uint64_t more) {
        counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    };
    if (status == TaskStatus::COMPLETED && slice.opcode != Opcode::Flush) {
        count(slice.opcode == Opcode::Read ? bytes_read : bytes_written, slice.length);
    }
    count(finished, 1);
    finishSlice(slice, status, acknowledged, now);
}

}  // namespace mc
