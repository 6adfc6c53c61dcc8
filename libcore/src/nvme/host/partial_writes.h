#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "io/event_loop.h"

namespace mc::nvme {

/// Which blocks of one subsystem's namespaces are being written in part, that is: read, changed and written back. All
/// controllers that share this keep each other's writes of parts out of such a block meanwhile. From any thread; who
/// has to wait is told later, and nobody sleeps.
class PartialWrites {
  public:
    struct Block {
        std::uint32_t nsid = 0;
        std::uint64_t offset = 0;  ///< Bytes, of its begin.

        auto operator<=>(const Block&) const = default;
    };

    /// The blocks that one write changes parts of.
    struct Claim {
        io::EventLoop& loop;
        std::vector<Block> blocks;  ///< Different ones.
        /// Called in the loop's thread, once the claim has all of its blocks and had to wait for them. The thread's
        /// own: an empty one is not called.
        std::move_only_function<void()> granted;
        std::size_t lacking = 0;  ///< PartialWrites' own.
    };

    /// Whether the claim has its blocks now. Else it has its turn after those that came before, for all of its blocks
    /// at once, so that none waits for another that waits for it.
    bool take(const std::shared_ptr<Claim>& claim);
    /// Gives the blocks back, or does not want them any more.
    void giveBack(const Claim& claim);

  private:
    std::mutex mutex_;
    std::map<Block, std::deque<std::shared_ptr<Claim>>> queues_;  // The first has the block.
};

}  // namespace mc::nvme
