#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include "io/block_request.h"

namespace mc::io {

/// Shares the places that the kernel has for direct I/O among devices. Devices take turns, and none gets more than half
/// as many places as are free, so that those of a device that hangs are not missed by others.
class DeviceShares {
  public:
    explicit DeviceShares(std::size_t places) : places_(places) {}

    /// It waits until `next` tells it.
    void push(BlockRequest& request);
    /// The one that takes a place now; null if none may.
    BlockRequest* next();
    /// One of a device that holds no place, when all are taken; null if there is none. It takes no place.
    BlockRequest* starved();
    /// Its place is free.
    void leave(const BlockRequest& request);

    /// Whether the device's file can tell that it would wait (RWF_NOWAIT); so until told otherwise.
    bool canTell(const BlockRequest& request) { return shares_[request.device].can_tell; }
    void setCannotTell(const BlockRequest& request) { shares_[request.device].can_tell = false; }

  private:
    struct Share {
        BlockRequestList waiting;
        std::size_t taken = 0;
        bool in_line = false;
        bool can_tell = true;
    };
    BlockRequest* take(Share& share);

    const std::size_t places_;
    std::size_t taken_ = 0;
    std::unordered_map<BlockDevice*, Share> shares_;
    std::deque<Share*> line_;  // Those that have something waiting.
};

}  // namespace mc::io
