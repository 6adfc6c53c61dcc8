#include "base/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace mc {
namespace {

const void* addressOf(const std::atomic<std::uint32_t>& word) {
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
    return &word;
}

}  // namespace

void futexWait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline) {
    timespec until{};
    if (deadline) {
        const auto ns = std::chrono::nanoseconds(deadline->time_since_epoch()).count();
        until = {ns / 1'000'000'000, ns % 1'000'000'000};
    }
    // With a bitset the time-out is absolute, on CLOCK_MONOTONIC, which is what steady_clock reads.
    ::syscall(SYS_futex, addressOf(word), FUTEX_WAIT_BITSET_PRIVATE, expected, deadline ? &until : nullptr, nullptr,
              FUTEX_BITSET_MATCH_ANY);
}

void futexWakeAll(const std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, addressOf(word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace mc
