#pragma once

#include <string>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"

namespace mc::mount {

struct ProgramResult {
    int status = 0;      ///< Its exit status, or 128 and the signal that ended it.
    std::string output;  ///< What it wrote to standard output and standard error, at most 64 KiB of it.
};

/// Runs a program that PATH finds, without standard input, to its end; it is killed at the deadline (TimedOut). NoInput
/// where there is none of that name.
Result<ProgramResult> runProgram(const std::vector<std::string>& words, Deadline deadline);

}  // namespace mc::mount
