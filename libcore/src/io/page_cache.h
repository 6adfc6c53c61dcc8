#pragma once

#include <cstdint>
#include <optional>

namespace mc::io {

/// Whether all of a range of a file, which is not empty, is in the page cache at the moment. Nothing where the kernel
/// does not say (before Linux 6.5).
std::optional<bool> inPageCache(int file, std::uint64_t offset, std::uint64_t length);

}  // namespace mc::io
