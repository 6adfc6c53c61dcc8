#pragma once

#include <cstddef>
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

/// All of the file at `path`; Config for one that others may read, or that has more than `longest` bytes.
Result<std::string> readSecretText(const std::string& path, std::size_t longest);

}  // namespace mc
