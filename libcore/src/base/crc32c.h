#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mc {

/// CRC-32C (Castagnoli) as iSCSI and NVMe/TCP define it (RFC 3720, appendix B.4). Goes on from `crc`, the value of what
/// came before: crc32c(b, crc32c(a)) is that of a and b together.
std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t crc = 0);

}  // namespace mc
