#pragma once

#include <cstdint>

namespace mc::nvme {

/// How a command ended: code (bits 0 to 7) and type (8 to 10), NVME_SC_* of <nvme/types.h>, and whether to try again.
/// In a completion it stands above the phase bit.
using Status = std::uint16_t;

inline constexpr Status kDoNotRetry = 0x4000;

/// libnvme's codes have no type.
constexpr Status genericStatus(int code) {
    return static_cast<Status>(code | kDoNotRetry);
}
constexpr Status commandSpecificStatus(int code) {
    return static_cast<Status>(0x100 | code | kDoNotRetry);
}
constexpr Status mediaStatus(int code) {
    return static_cast<Status>(0x200 | code | kDoNotRetry);
}

}  // namespace mc::nvme
