#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/fd.h"
#include "io/socket.h"

namespace mc::tcp {

/// Lets a loop sleep until enough bytes have come to be worth waking for: on fast roads most of a transfer's cost is
/// waking up too often.
class LowWater {
  public:
    /// `bytes` are certain to come, if anything does. A system call only where the power of two below it changes.
    void set(const FileDescriptor& socket, std::uint64_t bytes) {
        const auto wanted = static_cast<int>(std::bit_floor(std::clamp<std::uint64_t>(bytes, 1, kMost)));
        if (wanted == current_) return;
        current_ = wanted;
        io::setReceiveLowWater(socket, wanted);
    }

  private:
    static constexpr std::uint64_t kMost = 512 << 10;
    int current_ = 1;
};

}  // namespace mc::tcp
