#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mc/error.h"

#include "io/block_device.h"
#include "io/block_request.h"
#include "io/event_loop.h"

namespace mc::io {

struct BlockQueueOptions {
    enum class Engine : std::uint8_t {
        /// libaio if the kernel and the build have it, else io_uring, else threads. On a virtual disk the two came out
        /// alike (4 KiB reads at depth 32 and 128: 68,000 and 86,000 against 70,000 and 80,000 a second), where
        /// containers forbid io_uring more often.
        Auto,
        Uring,    ///< io_uring, or an error.
        Aio,      ///< libaio, or an error.
        Threads,  ///< Workers with ordinary system calls.
    };
    Engine engine = Engine::Auto;  ///< For reads and writes of direct devices.
    /// Operations of direct devices that the kernel has at once, up to 4096; more wait here. One device is given a
    /// third of them, so that many can hang before others are sent the slow way, through the workers.
    unsigned depth = 512;
    int workers = 4;  ///< Threads for what would block: reads that miss the page cache, flushes.
};

/// Carries out the requests of one event loop, on any number of devices. What can be had at once (memory, the page
/// cache) is done within submit; the rest goes to the kernel or to worker threads, and its end comes through the loop.
/// A device that fails or hangs delays no other's requests. Used by the loop's thread alone (or before it runs, or
/// after); every request has ended before it is destroyed.
class BlockQueue {
  public:
    /// InvalidArgument for a depth outside of its range, Unsupported where the kernel or the build does not have the
    /// engine that was asked for.
    static Result<std::unique_ptr<BlockQueue>> open(EventLoop& loop, const BlockQueueOptions& options);
    virtual ~BlockQueue() = default;
    BlockQueue(const BlockQueue&) = delete;
    BlockQueue& operator=(const BlockQueue&) = delete;

    /// Starts it. 0 or an errno where it ended within the call, `done` is not called then; nothing where it goes on.
    /// The device must live until the end. EINVAL for a range outside the device or, of a direct one, an alignment of
    /// range or memory that it doesn't have; EROFS for what a read-only device does not do; EIO also for a file that
    /// has become shorter.
    virtual std::optional<int> submit(BlockRequest& request) = 0;
    /// Hands what was submitted since the last call to the kernel and the workers, in as few system calls as possible.
    /// Done by itself after `done` was called for what ended together.
    virtual void flush() = 0;
    /// Requests that have not ended.
    virtual std::size_t inFlight() const = 0;
    /// Which way direct devices go: "io_uring", "libaio" or "threads".
    virtual std::string engineName() const = 0;

  protected:
    BlockQueue() = default;
};

}  // namespace mc::io
