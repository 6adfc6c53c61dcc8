#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/futex.h"

namespace mc::mount {

/// A process, told from a later one that got its number by when it started.
struct ProcessId {
    pid_t pid = 0;              ///< 0: none.
    std::uint64_t started = 0;  ///< In the kernel's ticks since the machine was started.

    bool operator==(const ProcessId&) const = default;
};

/// `pid` 0: the calling one. Nothing (pid 0) where none is running.
ProcessId processId(pid_t pid);

bool isRunning(const ProcessId& process);

/// Waits until the process has ended; false at the deadline.
bool waitForEnd(const ProcessId& process, Deadline deadline);

}  // namespace mc::mount
