#pragma once

#include <bit>
#include <cstdint>

#include "mc/transfer.h"

/// What Mooncake's tcp transport puts on the wire, both versions.
namespace mc::tcp {

static_assert(std::endian::native == std::endian::little, "the wire is little endian and written as it is in memory");

inline constexpr std::uint8_t kVersion2Bit = 0x80;

/// Client to server, before the payload of a write. The padding is garbage in what stock programs send.
struct RequestHeader {
    std::uint64_t size = 0;
    std::uint64_t addr = 0;
    std::uint8_t opcode = 0;
    std::uint8_t padding[7] = {};

    bool acknowledged() const { return (opcode & kVersion2Bit) != 0; }
    /// Anything that is not a write is served as a read, as stock servers do.
    bool isWrite() const { return (opcode & ~kVersion2Bit) == static_cast<std::uint8_t>(Opcode::Write); }
};
static_assert(sizeof(RequestHeader) == 24);

/// Server to client, version 2: before the payload of a read, after that of a write.
using StatusFrame = std::uint64_t;
inline constexpr StatusFrame kStatusMagic = 0x4D43545600000000;  // "VTCM" as bytes on the wire: 56 54 43 4d.
inline constexpr StatusFrame kStatusOk = kStatusMagic | 0;
inline constexpr StatusFrame kStatusRejected = kStatusMagic | 1;

}  // namespace mc::tcp
