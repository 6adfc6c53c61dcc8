#pragma once

#include <cstddef>
#include <cstdint>

#include "io/block_queue.h"
#include "nvme/target/buffer_pool.h"
#include "nvme/target/output_queue.h"
#include "nvme/target/status.h"
#include "nvme/wire/command.h"

namespace mc::nvme {

class Connection;
class Namespace;

/// One command of a host, from its capsule to its completion; an entry of its queue's table.
struct Command {
    enum class State : std::uint8_t {
        Free = 0,              // In the table's list of free entries.
        Receiving = 1,         // Its data come in its capsule, behind it.
        WaitingForBuffer = 2,  // All of the loop's data buffers are in use; in the worker's list.
        AwaitingData = 3,      // Asked for its data (R2T); the host's turn.
        Executing = 4,         // Being carried out: by a device, or as an event that has yet to happen.
        Sending = 5,           // Has ended; its data and its completion wait to be sent.
    };
    /// Which way its data go.
    enum class Direction : std::uint8_t { None, FromHost, ToHost };

    State state = State::Free;
    Direction direction = Direction::None;
    bool claimed = false;           ///< Its identifier is marked as in use.
    bool on_device = false;         ///< A block queue has `request`.
    bool transport_failed = false;  ///< Some of its data did not fit their digest.
    Status refused = 0;             ///< With what it ends when the data of its capsule have come, which are discarded.
    std::uint16_t index = 0;        ///< In the table; the transfer tag.
    SubmissionEntry entry;

    // Set by CommandSet::prepare:
    std::uint32_t length = 0;     ///< Bytes of data.
    std::uint32_t extra = 0;      ///< Bytes that its buffer has behind the data.
    std::byte* place = nullptr;   ///< Where the data are, or go, without a buffer;
    int file = -1;                ///< or in which file they are, at
    std::uint64_t offset = 0;     ///< this offset.
    Namespace* target = nullptr;  ///< Counts the command as a use.

    std::byte* data = nullptr;  ///< `place`, or the buffer's.
    BufferPool::Buffer buffer;
    bool in_capsule = false;     ///< The buffer is of the capsules' pool.
    std::uint32_t received = 0;  ///< Bytes of data that came by data PDUs.
    std::uint32_t asked_at = 0;  ///< The worker's sweep at which data were asked for, or came, last.
    std::uint32_t step = 0;      ///< Of commands that take several operations on the device.

    Connection* connection = nullptr;
    io::BlockRequest request;
    Output output;
    Command* next = nullptr;      ///< Of the list that it is in.
    Command* previous = nullptr;  ///< Of the worker's list.
};

/// Commands that wait for a buffer: first in, first out, and out of the middle when their connection ends.
class CommandList {
  public:
    bool empty() const { return head_ == nullptr; }
    Command* front() const { return head_; }
    void push(Command& command) {
        command.previous = tail_;
        command.next = nullptr;
        (tail_ == nullptr ? head_ : tail_->next) = &command;
        tail_ = &command;
    }
    void remove(Command& command) {
        (command.previous == nullptr ? head_ : command.previous->next) = command.next;
        (command.next == nullptr ? tail_ : command.next->previous) = command.previous;
        command.next = command.previous = nullptr;
    }

  private:
    Command* head_ = nullptr;
    Command* tail_ = nullptr;
};

}  // namespace mc::nvme
