#pragma once

#include <memory>

#include "mc/error.h"

#include "io/block_request.h"
#include "io/block_sink.h"
#include "io/device_shares.h"
#include "io/event_loop.h"

namespace mc::io {

/// Reads and writes of direct devices, carried out by the kernel without a thread of ours. What it would have to wait
/// for within the submitting call, and what it leaves half done, goes to the sink as in need of a worker. Used by the
/// loop's thread; every request has ended before it is destroyed.
class DirectEngine {
  public:
    DirectEngine(const DirectEngine&) = delete;
    DirectEngine& operator=(const DirectEngine&) = delete;
    virtual ~DirectEngine() = default;

    virtual const char* name() const = 0;
    /// Keeps it until flush; or until there are a few, so that the disk begins before the last has come.
    void submit(BlockRequest& request) {
        shares_.push(request);
        if (++kept_ == kMostKept) flush();
    }
    /// Gives the kernel as much as it may have.
    void flush();

  protected:
    DirectEngine(BlockSink& sink, unsigned depth) : sink_(sink), shares_(depth) {}
    /// Makes it ready to be given to the kernel.
    virtual void prepare(BlockRequest& request) = 0;
    /// Gives the kernel what was made ready.
    virtual void give() = 0;
    /// RWF_* for it.
    int flagsOf(const BlockRequest& request);
    /// The kernel is done with it: bytes, or -errno.
    void finish(BlockRequest& request, long result);
    /// The kernel has not taken it: -errno.
    void refused(BlockRequest& request, long result);
    void batchFinished() { sink_.batchEnded(); }

  private:
    static constexpr int kMostKept = 8;

    BlockSink& sink_;
    DeviceShares shares_;
    int kept_ = 0;
    bool again_ = false;  // Something that was refused waits for its place again.
};

/// With at most `depth` operations in the kernel. Unsupported, or what keeps the kernel from it.
Result<std::unique_ptr<DirectEngine>> openAioEngine(EventLoop& loop, BlockSink& sink, unsigned depth);
Result<std::unique_ptr<DirectEngine>> openUringEngine(EventLoop& loop, BlockSink& sink, unsigned depth);

}  // namespace mc::io
