#pragma once

#include <cstdint>
#include <string>

#include "mc/error.h"

namespace mc {

/// What to do about a file that others than its owner may read.
enum class OthersReading : std::uint8_t {
    Warn = 0,
    Refuse = 1,  ///< Config.
};

/// The first line of the file at `path`. One that is empty, or longer than any password, is an error (Config).
Result<std::string> readSecret(const std::string& path, OthersReading others = OthersReading::Warn);

}  // namespace mc
