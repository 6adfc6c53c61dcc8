#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/transfer.h"

#include "bench/workload.h"

namespace mc::bench {

/// A range that the far side offers: of its memory, or of a file, which begins at 0.
struct RemoteBuffer {
    std::uint64_t addr = 0;
    std::uint64_t length = 0;
    FileBufferID file_id = 0;  ///< 0: memory.
};

/// Where the blocks of one thread lie on the far side. Fixed: every batch at the same places, as Case::offset says.
/// Random: the blocks of all buffers, dealt out to the threads in turn, each thread's in an order that looks like
/// chance and comes to every block once before it comes to any twice.
class Placement {
  public:
    struct Place {
        std::size_t buffer = 0;
        std::uint64_t offset = 0;  ///< In the buffer, bytes.
        std::uint64_t before = 0;  ///< Bytes of all buffers in front of this one.
    };

    /// `checkPlacement` has found nothing wrong. `seed` decides on the order.
    Placement(const Case& parameters, std::span<const RemoteBuffer> buffers, std::uint32_t thread, std::uint64_t seed);

    bool moves() const { return parameters_.access == Access::Random; }
    /// Of the `request`th block of a batch; Random: of the next block.
    Place next(std::uint32_t request);

  private:
    Place random();

    Case parameters_;
    std::uint32_t thread_;
    std::vector<std::uint64_t> bytes_before_;   // The buffers', and behind the last one all bytes.
    std::vector<std::uint64_t> blocks_before_;  // The same in blocks.
    std::uint64_t blocks_ = 0;                  // Of this thread.
    std::uint64_t position_ = 0;
    std::uint64_t step_ = 1;  // Shares no divisor with blocks_.
};

/// InvalidArgument, with sizes, if the buffers have too little room for the case. `verify`: no block may come twice in
/// a batch.
Result<void> checkPlacement(const Case& parameters, std::span<const RemoteBuffer> buffers, bool verify);

}  // namespace mc::bench
