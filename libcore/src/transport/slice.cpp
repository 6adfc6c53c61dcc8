#include "transport/slice.h"

namespace mc {

SliceQueue SliceQueue::takeOverdue(SteadyClock::time_point now) {
    SliceQueue overdue, others;
    while (!empty()) {
        Slice* const slice = pop();
        (now >= slice->deadline ? overdue : others).push(slice);
    }
    *this = others;
    return overdue;
}

void finishSlice(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now) {
    Task& task = *slice.task;
    // The last slice, most often the only one, has the task for itself: no locked instructions.
    const bool last = task.slices_left.load(std::memory_order_acquire) == 1;
    if (status == TaskStatus::COMPLETED) {
        if (last) {
            task.transferred.store(task.transferred.load(std::memory_order_relaxed) + slice.length,
                                   std::memory_order_relaxed);
        } else {
            task.transferred.fetch_add(slice.length, std::memory_order_relaxed);
        }
        if (!acknowledged) task.unacknowledged.store(true, std::memory_order_relaxed);
    } else {
        TaskStatus none = TaskStatus::COMPLETED;
        task.worst.compare_exchange_strong(none, status);
    }
    if (!last && task.slices_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Completion* batch = task.batch;
    task.completed = now;
    task.status.store(task.worst.load(std::memory_order_relaxed), std::memory_order_release);
    batch->finish();
}

}  // namespace mc
