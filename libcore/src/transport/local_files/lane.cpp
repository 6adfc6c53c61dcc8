#include "transport/local_files/lane.h"

#include <fmt/format.h>

#include <utility>

#include "base/errors.h"
#include "base/log.h"

namespace mc::localfiles {

Lane::Lane(LaneContext& context, ChainBox& chain, io::BlockQueue& blocks)
    : context_(context), chain_(chain), blocks_(blocks), transfers_(kMostTransfers) {
    for (Transfer& transfer : transfers_) {
        transfer.lane = this;
        transfer.request.done = &onDone;
        transfer.request.context = &transfer;
        transfer.next_free = std::exchange(free_, &transfer);
    }
}

void Lane::pump() {
    if (queue_.empty()) return;
    const auto chain = chain_.get();
    while (!queue_.empty() && free_ != nullptr) {
        start(*queue_.pop(), chain);
    }
    blocks_.flush();
}

void Lane::start(Slice& slice, const std::shared_ptr<const FileChain>& chain) {
    if (!chain->holds(slice.remote, slice.length)) {
        context_.finish(slice, TaskStatus::INVALID, false, SteadyClock::now());
        return;
    }
    Transfer& transfer = *std::exchange(free_, free_->next_free);
    transfer.slice = &slice;
    transfer.moved = 0;
    transfer.chain = chain;
    ++in_flight_;
    carryOn(transfer);
}

// Piece after piece, until one has to be waited for.
void Lane::carryOn(Transfer& transfer) {
    const Slice& slice = *transfer.slice;
    for (;;) {
        const FileChain::Piece piece =
            transfer.chain->pieceAt(slice.remote + transfer.moved, slice.length - transfer.moved);
        io::BlockRequest& request = transfer.request;
        request.kind = slice.opcode == Opcode::Read ? io::BlockRequest::Kind::Read : io::BlockRequest::Kind::Write;
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
        if (!std::exchange(failure_told_, true)) {
            log::warning("nvmeof: {}", systemError(transfer.slice->opcode == Opcode::Read ? "read" : "write",
                                                   transfer.request.device->name(), error)
                                           .message);
        }
        end(transfer, TaskStatus::FAILED);
        return false;
    }
    transfer.moved += transfer.request.length;
    if (transfer.moved < transfer.slice->length) return true;
    end(transfer, TaskStatus::COMPLETED);
    return false;
}

void Lane::end(Transfer& transfer, TaskStatus status) {
    Slice& slice = *std::exchange(transfer.slice, nullptr);
    transfer.chain.reset();
    transfer.next_free = std::exchange(free_, &transfer);
    --in_flight_;
    // What was written is in this machine's page cache; nobody has confirmed that it is where the file really is.
    context_.finish(slice, status, slice.opcode == Opcode::Read, SteadyClock::now());
}

void Lane::checkDeadlines(SteadyClock::time_point now) {
    SliceQueue waiting = std::exchange(queue_, SliceQueue{});
    while (!waiting.empty()) {
        Slice& slice = *waiting.pop();
        if (now >= slice.deadline) {
            context_.finish(slice, TaskStatus::TIMEOUT, false, now);
        } else {
            queue_.push(&slice);
        }
    }
}

void Lane::cancel() {
    const auto now = SteadyClock::now();
    while (!queue_.empty()) {
        context_.finish(*queue_.pop(), TaskStatus::CANCELED, false, now);
    }
    while (in_flight_ > 0) {
        context_.loop.runOnce();
    }
}

}  // namespace mc::localfiles
