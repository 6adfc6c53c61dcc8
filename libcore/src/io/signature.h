#pragma once

#include <optional>
#include <string>

#include "mc/error.h"

namespace mc::io {

/// What libblkid finds on a block device or in a file: "ext4", "a partition table (gpt)"; nothing where it knows none.
Result<std::optional<std::string>> knownSignature(const std::string& path);

}  // namespace mc::io
