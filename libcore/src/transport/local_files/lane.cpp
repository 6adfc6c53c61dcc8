#include "transport/local_files/lane.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/errors.h"
#include "base/log.h"

namespace mc::localfiles {
namespace {

io::BlockRequest::Kind kindOf(Opcode opcode) {
    switch (opcode) {
        case Opcode::Read:
            return io::BlockRequest::Kind::Read;
        case Opcode::Write:
            return io::BlockRequest::Kind::Write;
        case Opcode::Flush:
            break;
    }
    return io::BlockRequest::Kind::Flush;
}

const char* wordFor(Opcode opcode) {
    switch (opcode) {
        case Opcode::Read:
            return "read";
        case Opcode::Write:
            return "write";
        case Opcode::Flush:
            break;
    }
    return "flush";
}

}  // namespace

Lane::Lane(LaneContext& context, BlockFilesBox& files, io::BlockQueue& blocks)
    : context_(context), files_(files), blocks_(blocks), transfers_(kMostTransfers) {
    for (Transfer& transfer : transfers_) {
        transfer.lane = this;
        transfer.request.done = &onDone;
        transfer.request.context = &transfer;
        transfer.next_free = std::exchange(free_, &transfer);
    }
}

void Lane::pump() {
    if (queue_.empty()) return;
    const std::uint64_t version = files_.version();  // Not of newer ones.
    const auto files = files_.get();
    while (!queue_.empty() && free_ != nullptr) {
        start(*queue_.pop(), files, version);
    }
    blocks_.flush();
}

void Lane::start(Slice& slice, const std::shared_ptr<const BlockFiles>& files, std::uint64_t version) {
    if (!files->holds(slice)) {
        context_.finish(slice, TaskStatus::INVALID, false, SteadyClock::now());
        return;
    }
    Transfer& transfer = *std::exchange(free_, free_->next_free);
    transfer.slice = &slice;
    transfer.moved = 0;
    transfer.files = files;
    transfer.version = version;
    ++in_flight_;
    carryOn(transfer);
}

// Piece after piece, until one has to be waited for.
void Lane::carryOn(Transfer& transfer) {
    const Slice& slice = *transfer.slice;
    for (;;) {
        const BlockFiles::Piece piece = transfer.files->pieceAt(slice, transfer.moved);
        if (piece.device == nullptr) {
            files_.showProblem(Error{ErrorCode::NotFound, fmt::format("file {}: no device has it", slice.file_id), {}});
            if (!doubt(transfer)) end(transfer, TaskStatus::FAILED);
            return;
        }
        io::BlockRequest& request = transfer.request;
        request.kind = kindOf(slice.opcode);
        request.device = piece.device;
        request.offset = piece.offset;
        request.length = piece.length;
        request.data = slice.local + transfer.moved;
        const auto ended = blocks_.submit(request);
        if (!ended || !takeResult(transfer, *ended)) return;
    }
}

void Lane::onDone(io::BlockRequest& request, int error) {
    auto& transfer = *static_cast<Transfer*>(request.context);
    Lane& lane = *transfer.lane;
    if (lane.takeResult(transfer, error)) lane.carryOn(transfer);
    lane.pump();
}

// True: there is more to do.
bool Lane::takeResult(Transfer& transfer, int error) {
    if (error != 0) {
        Error problem = systemError(wordFor(transfer.slice->opcode), transfer.request.device->name(), error);
        if (!std::exchange(failure_told_, true)) log::warning("nvmeof: {}", problem.message);
        files_.showProblem(std::move(problem));
        if (!doubt(transfer)) end(transfer, TaskStatus::FAILED);
        return false;
    }
    transfer.moved += transfer.request.length;
    if (transfer.moved < transfer.slice->length) return true;
    end(transfer, TaskStatus::COMPLETED);
    return false;
}

void Lane::end(Transfer& transfer, TaskStatus status) {
    const bool acknowledged = transfer.slice->opcode != Opcode::Write || transfer.files->acknowledgeWrites();
    context_.finish(release(transfer), status, acknowledged, SteadyClock::now());
}

Slice& Lane::release(Transfer& transfer) {
    Slice& slice = *std::exchange(transfer.slice, nullptr);
    transfer.files.reset();
    transfer.next_free = std::exchange(free_, &transfer);
    --in_flight_;
    return slice;
}

// It failed: true if it may be tried again once its files were looked at.
bool Lane::doubt(Transfer& transfer) {
    if (canceled_ || transfer.slice->retries_left == 0) return false;
    // A new device knows nothing of what was lost in the old one's cache.
    if (transfer.slice->opcode == Opcode::Flush && !transfer.files->acknowledgeWrites()) return false;
    const Doubt doubt{.number = files_.doubt(), .version = transfer.version};
    if (doubt.number == 0) return false;
    Slice& slice = release(transfer);
    --slice.retries_left;
    wait(slice, doubt);
    return true;
}

void Lane::wait(Slice& slice, const Doubt& doubt) {
    std::memcpy(slice.scratch.data(), &doubt, sizeof(doubt));
    doubtful_.push(&slice);
}

void Lane::settleDoubts(SteadyClock::time_point now) {
    using Outcome = BlockFilesBox::Doubt;
    SliceQueue waiting = std::exchange(doubtful_, SliceQueue{});
    while (!waiting.empty()) {
        Slice& slice = *waiting.pop();
        Doubt doubt;
        std::memcpy(&doubt, slice.scratch.data(), sizeof(doubt));
        auto outcome = files_.outcome(doubt.number);
        if (doubt.version != files_.version()) outcome = Outcome::Confirmed;  // Newer ones come before the outcome.
        if (now >= slice.deadline) {
            context_.finish(slice, TaskStatus::TIMEOUT, false, now);
        } else if (outcome == Outcome::Confirmed) {
            queue_.push(&slice);
        } else if (outcome == Outcome::Open) {
            doubtful_.push(&slice);
        } else if (outcome == Outcome::Unclear && slice.retries_left > 0) {
            --slice.retries_left;
            wait(slice, {.number = files_.doubt(), .version = doubt.version});
        } else {
            context_.finish(slice, TaskStatus::FAILED, false, now);
        }
    }
}

void Lane::checkDeadlines(SteadyClock::time_point now) {
    settleDoubts(now);
    for (SliceQueue overdue = queue_.takeOverdue(now); !overdue.empty();) {
        context_.finish(*overdue.pop(), TaskStatus::TIMEOUT, false, now);
    }
    pump();
}

void Lane::cancel() {
    canceled_ = true;
    const auto now = SteadyClock::now();
    for (SliceQueue* const queue : {&queue_, &doubtful_}) {
        while (!queue->empty()) {
            context_.finish(*queue->pop(), TaskStatus::CANCELED, false, now);
        }
    }
    while (in_flight_ > 0) {
        context_.loop.runOnce();
    }
}

}  // namespace mc::localfiles
