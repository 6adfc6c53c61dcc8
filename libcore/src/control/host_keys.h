#pragma once

#include <string>
#include <vector>

#include "mc/engine_options.h"
#include "mc/error.h"

namespace mc::control {

/// Reads who may use files and with which keys: a file of lines "HOSTNQN KEY [CONTROLLER-KEY]", keys as nvme-cli makes
/// them ("DHHC-1:..."); '#' begins a comment line. Every error names file and line, and never repeats a key: Config for
/// a file that others than its owner may read, or that names no host; NoInput where there is none.
Result<std::vector<NvmeofHost>> readHostKeys(const std::string& path);

}  // namespace mc::control
