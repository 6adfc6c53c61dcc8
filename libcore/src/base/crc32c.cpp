#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace mc {

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t crc) {
    // ISA-L takes its length as an int, leaves both inversions to the caller, and does not write through its pointer.
    constexpr std::size_t kAtOnce = 1U << 30;
    crc = ~crc;
    while (!data.empty()) {
        const auto part = data.first(std::min(data.size(), kAtOnce));
        auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(part.data()));
        crc = ::crc32_iscsi(bytes, static_cast<int>(part.size()), crc);
        data = data.subspan(part.size());
    }
    return ~crc;
}

}  // namespace mc
