#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/futex.h"
#include "io/block_request.h"

namespace mc::nvme {

/// Which of a device's failures are told: of each kind of request the first one, then one in a second at most. From any
/// thread; without a lock.
class DeviceFailures {
  public:
    static constexpr std::chrono::seconds kInterval{1};

    /// Counts one. If it is to be told: how many of its kind were not, since the last one that was.
    std::optional<std::uint64_t> add(io::BlockRequest::Kind kind, SteadyClock::time_point now) {
        Pace& pace = paces_[static_cast<std::size_t>(kind)];
        pace.untold.fetch_add(1, std::memory_order_relaxed);
        SteadyClock::time_point due = pace.due.load(std::memory_order_relaxed);
        if (now < due || !pace.due.compare_exchange_strong(due, now + kInterval, std::memory_order_relaxed)) {
            return std::nullopt;
        }
        // Another thread may have told this one meanwhile.
        return std::max<std::uint64_t>(pace.untold.exchange(0, std::memory_order_relaxed), 1) - 1;
    }

  private:
    static constexpr std::size_t kKinds = static_cast<std::size_t>(io::BlockRequest::Kind::WriteZeroes) + 1;
    struct Pace {
        std::atomic<SteadyClock::time_point> due = SteadyClock::time_point::min();
        std::atomic<std::uint64_t> untold = 0;
    };

    std::array<Pace, kKinds> paces_;
};

/// "/data/f0: a read of 4096 bytes at offset 8192 failed: Input/output error": of a request that its device has ended
/// with an errno. A file that has become too short for it is told as that.
std::string describeFailure(const io::BlockRequest& request, int error);

}  // namespace mc::nvme
