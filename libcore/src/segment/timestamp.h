#pragma once

#include <chrono>
#include <string>

namespace mc {

/// A descriptor's timestamp: local time with microseconds, "2026-11-21 02:50:34.534836".
std::string formatTimestamp(std::chrono::system_clock::time_point time);

}  // namespace mc
