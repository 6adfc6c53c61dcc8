#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "nvme/wire/fabrics.h"

namespace mc::nvme {

/// A field of Connect's data, as a refusal names it: its offset (IPO), and that it is in the data (IATTR). One of the
/// command is its offset alone.
constexpr std::uint32_t connectDataField(std::size_t offset) {
    return static_cast<std::uint32_t>(offset) | 1U << 16U;
}

/// An NQN of Connect's data, which may be empty; nothing where it does not end within what an NQN may have.
template <std::size_t Size>
std::optional<std::string> connectText(const char (&field)[Size]) {
    const std::size_t length = ::strnlen(field, Size);
    if (length > kMaxNqnLength) return std::nullopt;
    return std::string(field, length);
}

}  // namespace mc::nvme
