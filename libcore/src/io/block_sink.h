#pragma once

#include "io/block_request.h"

namespace mc::io {

/// Where the parts of a BlockQueue bring what they were given. Called by the loop's thread, never within the call that
/// gave the request.
class BlockSink {
  public:
    BlockSink() = default;
    BlockSink(const BlockSink&) = delete;
    BlockSink& operator=(const BlockSink&) = delete;
    virtual ~BlockSink() = default;
    /// It has ended: 0 or an errno.
    virtual void ended(BlockRequest& request, int error) = 0;
    /// The rest of it, from `moved` on, can't be had without waiting, or has to be looked into. The one call that may
    /// come within another.
    virtual void needsWorker(BlockRequest& request) = 0;
    /// After some of these.
    virtual void batchEnded() = 0;
};

}  // namespace mc::io
