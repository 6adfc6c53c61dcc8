#pragma once

#include <string>

#include "mc/error.h"

namespace mc {

/// The first line of the file at `path`. A file that others than its owner may read is warned about; one whose first
/// line is empty, or longer than any password, is an error (Config).
Result<std::string> readSecret(const std::string& path);

}  // namespace mc
