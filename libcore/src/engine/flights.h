#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "mc/error.h"
#include "mc/transfer.h"

namespace mc {

/// Looks segments up, one look-up of each at a time: whoever asks for the same one meanwhile waits for the next and
/// shares it, and an owner that hangs holds up nobody but those who ask for its segment. From any thread.
class Flights {
  public:
    using LookUp = std::function<Result<void>()>;

    /// What a look-up of `segment` said that began after this call. One that was under way then is good enough where
    /// it failed: an owner that does not answer is not asked again for each who waits.
    Result<void> run(SegmentHandle segment, const LookUp& look_up);

  private:
    struct Flight {
        bool flying = false;
        std::uint64_t begun = 0;
        std::uint64_t ended = 0;
        Result<void> last;
        std::condition_variable landed;
    };

    std::mutex mutex_;
    std::map<SegmentHandle, Flight> flights_;
};

}  // namespace mc
