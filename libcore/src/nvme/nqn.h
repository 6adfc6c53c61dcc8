#pragma once

#include <string_view>

#include "mc/error.h"

namespace mc::nvme {

/// InvalidArgument for what is no NVMe qualified name.
Result<void> checkNqn(std::string_view nqn);

}  // namespace mc::nvme
