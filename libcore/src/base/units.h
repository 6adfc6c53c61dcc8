#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc {

/// Bytes from "4KiB", "1GiB" (binary), "4KB", "1GB" (decimal), "64k" (binary), "512" (bytes). No sign, no fraction.
Result<std::uint64_t> parseSize(std::string_view text);

/// The shortest exact form: 65536 -> "64KiB", 1000 -> "1000".
std::string formatSize(std::uint64_t bytes);

/// A duration from "500ms", "10s", "2m", "1h", "250us", "100ns", "1.5s"; a bare number is seconds.
Result<std::chrono::nanoseconds> parseDuration(std::string_view text);

/// The shortest exact form: "1500ms", "10s".
std::string formatDuration(std::chrono::nanoseconds duration);

}  // namespace mc
