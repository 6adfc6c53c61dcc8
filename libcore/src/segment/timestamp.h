#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace mc {

/// A descriptor's timestamp: local time with microseconds, "2026-11-21 02:50:34.534836".
std::string formatTimestamp(std::chrono::system_clock::time_point time);

/// Its second, if it was written where the time zone is that of this process; nothing if it is none.
std::optional<std::chrono::system_clock::time_point> parseTimestamp(const std::string& text);

}  // namespace mc
