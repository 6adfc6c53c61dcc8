#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mc/error.h"

#include "io/block_device.h"
#include "io/event_loop.h"

namespace mc::io {

/// One operation on a device. From BlockQueue::submit until its end it belongs to the queue, its data included.
struct BlockRequest {
    enum class Kind : std::uint8_t {
        Read = 0,
        Write = 1,
        Flush = 2,        ///< All that has ended before is on stable storage.
        Discard = 3,      ///< The range's content is not needed any more; what is read afterwards is undefined or zero.
        WriteZeroes = 4,  ///< The range reads as zero afterwards; `may_unmap` allows to free its blocks.
    };
    Kind kind = Kind::Read;
    bool durable = false;    ///< Write, WriteZeroes: on stable storage when it has ended.
    bool may_unmap = false;  ///< WriteZeroes.
    BlockDevice* device = nullptr;
    std::uint64_t offset = 0;   ///< Bytes.
    std::uint64_t length = 0;   ///< Bytes; the range lies within the device.
    std::byte* data = nullptr;  ///< Read fills it, Write takes from it.
    /// Called by the loop's thread at the end, unless submit told the end: 0 or an errno. May submit further requests.
    void (*done)(BlockRequest& request, int error) = nullptr;
    void* context = nullptr;       ///< The submitter's own.
    BlockRequest* next = nullptr;  ///< The queue's own.
};

struct BlockQueueOptions {
    enum class Engine : std::uint8_t { Auto, Uring, Aio };
    Engine engine = Engine::Auto;  ///< For direct devices. Auto: io_uring if the kernel has it and it is the faster one.
    unsigned depth = 256;          ///< Operations of direct devices that the kernel has at once; more wait here.
    int workers = 4;               ///< Threads for what would block: reads that miss the page cache, flushes.
};

/// Carries out the requests of one event loop, on any number of devices. What can be had at once (memory, the page
/// cache) is done within submit; the rest goes to the kernel or to worker threads, and its end comes through the loop.
/// A device that fails or hangs delays no other's requests. Used by the loop's thread alone; every request has ended
/// before it is destroyed.
class BlockQueue {
  public:
    static Result<std::unique_ptr<BlockQueue>> open(EventLoop& loop, const BlockQueueOptions& options);
    virtual ~BlockQueue() = default;
    BlockQueue(const BlockQueue&) = delete;
    BlockQueue& operator=(const BlockQueue&) = delete;

    /// Starts it. 0 or an errno where it ended within the call, `done` is not called then; nothing where it goes on.
    /// The device must live until the end. EINVAL for a range outside the device, or an alignment it doesn't have.
    virtual std::optional<int> submit(BlockRequest& request) = 0;
    /// Hands what was submitted since the last call to the kernel in as few system calls as possible.
    virtual void flush() = 0;
    /// Requests that have not ended.
    virtual std::size_t inFlight() const = 0;
    /// Which way direct devices go: "io_uring" or "libaio".
    virtual std::string engineName() const = 0;

  protected:
    BlockQueue() = default;
};

}  // namespace mc::io
