#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mc::io {
class PageReceiver;
}

namespace mc {

/// Handle of an opened segment; 0 is the engine's own.
using SegmentHandle = std::int32_t;
inline constexpr SegmentHandle kLocalSegment = 0;

/// Handle of a batch of requests.
using BatchID = std::uint64_t;

/// Which file of a segment a request addresses; 0 for memory.
using FileBufferID = std::uint32_t;

enum class Opcode : std::uint8_t {
    Read = 0,
    Write = 1,
    Flush = 2,  ///< Files only: the writes to this range that have ended before are on stable storage when it ends.
};

/// One contiguous copy between registered local memory and a segment.
///
/// Of a file, ranges need not begin and end with blocks of the target's device. A write then reads the blocks at its
/// ends and writes them back; what other requests of the same engine write into the rest of these blocks at the same
/// time, in whichever threads, is not lost. What other processes write there may be: for them it is not atomic. Where
/// requests that run at the same time overlap each other, what is in the blocks that they share is not told.
///
/// The memory of a Write may not change before the request has ended: large ones to files are sent from it without a
/// copy. After one that failed, a target on the same machine may still get what the memory holds by then.
struct TransferRequest {
    Opcode opcode = Opcode::Read;
    void* source = nullptr;             ///< Local address; written by Read, read by Write; none for Flush.
    SegmentHandle target_id = 0;        ///< From openSegment.
    std::uint64_t target_offset = 0;    ///< Memory: the target's virtual address. File: byte offset in the file.
    std::size_t length = 0;             ///< Bytes. 0 completes at once.
    int advise_retry_cnt = 0;           ///< Retries after a lost connection; 0: the engine's MC_RETRY_CNT.
    FileBufferID file_id = 0;           ///< Files only.
    io::PageReceiver* pages = nullptr;  ///< The library's own: where what is read may go instead, all of it.
};

/// The life of a request. The numbers are those of Mooncake's C interface.
enum class TaskStatus : std::uint8_t {
    WAITING = 0,    ///< Submitted, not finished.
    PENDING = 1,    ///< Reserved slot: nothing has been submitted under this number yet.
    INVALID = 2,    ///< A parameter is wrong; nothing was sent.
    CANCELED = 3,   ///< The engine was shut down before the request was sent.
    COMPLETED = 4,  ///< All bytes are where they belong.
    TIMEOUT = 5,    ///< Gave up waiting for the peer.
    FAILED = 6,     ///< Failed, retries included.
};

const char* toString(TaskStatus status);

/// What is known about one request. Once `s` is COMPLETED, TIMEOUT or FAILED, nothing of the engine touches the
/// request's local memory any more.
struct TransferStatus {
    TaskStatus s = TaskStatus::PENDING;
    std::size_t transferred = 0;          ///< Bytes known to be at their destination: a lower bound.
    std::chrono::nanoseconds latency{0};  ///< From submission to completion; 0 while WAITING.
    bool acknowledged = false;            ///< The peer confirmed that the bytes were applied.
};

}  // namespace mc
