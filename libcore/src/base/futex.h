#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace mc {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

/// Sleeps while `word` holds `expected`, at most until `deadline`; may return early.
void futexWait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline = std::nullopt);

void futexWakeAll(const std::atomic<std::uint32_t>& word);

}  // namespace mc
