#pragma once

#include <string>

#include "mc/error.h"

#include "base/futex.h"

namespace mc::mount {

enum class Unmounting {
    Idle,  ///< Busy while a process has something open there, or works there.
    Lazy,  ///< Whoever has something open keeps it, nobody else finds it.
};

/// Takes the topmost mount off that directory: as root by the kernel, else by fusermount3, which may take off what the
/// same user has mounted. NotFound where nothing is mounted.
Result<void> unmount(const std::string& directory, Unmounting how, Deadline deadline);

}  // namespace mc::mount
