#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "engine/engine_impl.h"

namespace mc {
namespace {

void begin(Task& task, Completion& batch, SteadyClock::time_point now) {
    task.worst.store(TaskStatus::COMPLETED, std::memory_order_relaxed);
    task.transferred.store(0, std::memory_order_relaxed);
    task.unacknowledged.store(false, std::memory_order_relaxed);
    task.slices_left.store(0, std::memory_order_relaxed);
    task.submitted = now;
    task.batch = &batch;
    task.status.store(TaskStatus::WAITING, std::memory_order_release);
}

void endAtOnce(Task& task, TaskStatus status) {
    task.completed = task.submitted;
    task.status.store(status, std::memory_order_release);
    task.batch->finish();
}

}  // namespace

// Rows of requests to one transport are handed over together; what is wrong with a single one is its status.
Result<void> TransferEngine::Impl::submit(Batch& batch, std::span<const TransferRequest> entries) {
    const auto now = SteadyClock::now();
    const std::size_t first = batch.submitted.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        begin(batch.tasks[first + i], batch.completion, now);
    }
    batch.completion.start(static_cast<std::uint32_t>(entries.size()));
    batch.submitted.store(first + entries.size(), std::memory_order_release);

    SegmentHandle looked_up = -1;
    Transport* transport = nullptr;
    std::span<Slice> row;
    const auto hand_over = [&] {
        if (transport == nullptr || row.empty()) return;
        if (batch.transport != nullptr && batch.transport != transport) batch.several_transports = true;
        batch.transport = transport;
        transport->submit(row);
        row = {};
    };
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const OpenedSegment* segment = nullptr;
        const TaskStatus status = prepare(batch, entries[i], segment, looked_up);
        if (status != TaskStatus::WAITING) {
            endAtOnce(batch.tasks[first + i], status);
            continue;
        }
        const std::span<Slice> slices = cut(batch, first + i, entries[i], *segment);
        const bool continues = segment->transport == transport && row.data() + row.size() == slices.data();
        if (!continues) {
            hand_over();
            transport = segment->transport;
            row = slices;
        } else {
            row = {row.data(), row.size() + slices.size()};
        }
    }
    hand_over();
    return {};
}

// WAITING: `segment` is where it goes. Anything else ends the request here. `looked_up`: the last segment that was
// looked up again for this call; once is enough, its owner may be slow to answer.
TaskStatus TransferEngine::Impl::prepare(Batch& batch, const TransferRequest& request, const OpenedSegment*& segment,
                                         SegmentHandle& looked_up) {
    const bool flush = request.opcode == Opcode::Flush;
    if (request.opcode != Opcode::Read && request.opcode != Opcode::Write && !flush) return TaskStatus::INVALID;
    if (request.length == 0)
        return segments.nameOf(request.target_id).empty() ? TaskStatus::INVALID : TaskStatus::COMPLETED;
    if (!flush && batch.local.find(reinterpret_cast<std::uint64_t>(request.source), request.length) == nullptr)
        return TaskStatus::INVALID;
    if (reaches(batch, request, segment)) return TaskStatus::WAITING;
    if (std::exchange(looked_up, request.target_id) == request.target_id) return TaskStatus::INVALID;
    // Its owner may have registered more since it was looked up.
    if (const auto found = lookUp(request.target_id); !found) {
        log::warning("{}", found.error().message);
        return TaskStatus::INVALID;
    }
    return reaches(batch, request, segment) ? TaskStatus::WAITING : TaskStatus::INVALID;
}

bool TransferEngine::Impl::reaches(Batch& batch, const TransferRequest& request, const OpenedSegment*& segment) {
    segment = batch.segments.find(segments, request.target_id);
    if (segment == nullptr || !segment->holds(request, batch.segments.hint())) return false;
    return request.opcode != Opcode::Flush || segment->transport->capabilities().flushes;
}

std::span<Slice> TransferEngine::Impl::cut(Batch& batch, std::size_t index, const TransferRequest& request,
                                           const OpenedSegment& segment) {
    const std::uint64_t piece = segment.transport->capabilities().max_slice_length;
    const std::uint64_t count = ((request.length - 1) / piece) + 1;
    Slice* slices = &batch.slices[index];
    if (count > 1) slices = batch.cut.emplace_back(std::make_unique<Slice[]>(count)).get();

    Task& task = batch.tasks[index];
    task.slices_left.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
    const int retries = request.advise_retry_cnt > 0 ? request.advise_retry_cnt : options.retry_count;
    for (std::uint64_t i = 0; i < count; ++i) {
        Slice& slice = slices[i];
        slice.opcode = request.opcode;
        slice.retries_left =
            static_cast<std::uint8_t>(std::clamp<int>(retries, 0, std::numeric_limits<std::uint8_t>::max()));
        slice.refusals = 0;
        slice.file_id = request.file_id;
        slice.pages = count == 1 ? request.pages : nullptr;
        slice.local = static_cast<std::byte*>(request.source) + (i * piece);
        slice.remote = request.target_offset + (i * piece);
        slice.length = std::min(piece, request.length - (i * piece));
        slice.deadline =
            options.slice_timeout.count() > 0 ? task.submitted + options.slice_timeout : SteadyClock::time_point::max();
        slice.peer = segment.peer;
        slice.task = &task;
    }
    return {slices, count};
}

}  // namespace mc
