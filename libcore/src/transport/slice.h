#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mc/transfer.h"

#include "base/futex.h"
#include "transport/completion.h"

namespace mc {

class Peer;
namespace io {
class PageReceiver;
}

/// One request of a batch as getTransferStatus sees it. Written by the thread that submits, then by those that finish
/// its slices; `status` is published last.
struct Task {
    std::atomic<TaskStatus> status = TaskStatus::PENDING;
    std::atomic<TaskStatus> worst = TaskStatus::COMPLETED;  ///< Of the slices that have ended.
    std::atomic<std::uint32_t> slices_left = 0;
    std::atomic<std::uint64_t> transferred = 0;
    std::atomic<bool> unacknowledged = false;
    SteadyClock::time_point submitted;
    SteadyClock::time_point completed;
    Completion* batch = nullptr;
};

/// A piece of a request as large as its transport wants it. From submit until finishSlice it belongs to the transport.
struct Slice {
    Opcode opcode = Opcode::Read;
    std::uint8_t retries_left = 0;
    std::uint8_t refusals = 0;  ///< Of its peer, which may think better of it.
    FileBufferID file_id = 0;
    std::byte* local = nullptr;
    io::PageReceiver* pages = nullptr;  ///< What is read may go there instead, all of it; transports need not.
    std::uint64_t remote = 0;           ///< TransferRequest::target_offset of this piece.
    std::uint64_t length = 0;
    SteadyClock::time_point deadline = SteadyClock::time_point::max();
    Peer* peer = nullptr;
    Task* task = nullptr;
    Slice* next = nullptr;  ///< For the transport's queues.
    /// For the transport's headers while the slice is under way.
    alignas(8) std::array<std::byte, 64> scratch;
};

/// Ends a slice and, with the last of them, its task. Nothing may touch the slice or its local memory afterwards.
void finishSlice(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now);

/// First in, first out, linked through Slice::next.
class SliceQueue {
  public:
    bool empty() const { return head_ == nullptr; }
    Slice* front() const { return head_; }
    void push(Slice* slice) {
        slice->next = nullptr;
        (head_ == nullptr ? head_ : tail_->next) = slice;
        tail_ = slice;
    }
    Slice* pop() {
        Slice* first = head_;
        head_ = first->next;
        return first;
    }
    /// Takes those out whose time is over.
    SliceQueue takeOverdue(SteadyClock::time_point now);
    /// Moves all of `other` behind what is here.
    void append(SliceQueue& other) {
        if (other.empty()) return;
        (head_ == nullptr ? head_ : tail_->next) = other.head_;
        tail_ = other.tail_;
        other.head_ = nullptr;
    }

  private:
    Slice* head_ = nullptr;
    Slice* tail_ = nullptr;
};

}  // namespace mc
