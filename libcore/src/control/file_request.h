#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::control {

/// A file or block device to serve.
struct FileRequest {
    std::string path;          ///< Absolute.
    std::uint64_t size = 0;    ///< Bytes from its beginning; 0: all of it.
    std::uint32_t number = 0;  ///< The one that it gets; 0: the next.
};

/// "PATH", or "PATH:SIZE" where what follows the last colon is a size. Names of devices may end like that, as
/// /dev/disk/by-path/...-scsi-0:0:0:1 does: what exists under the whole of its name is meant by it.
Result<FileRequest> parseFileRequest(std::string_view text);

/// What parseFileRequest() reads as the same.
std::string toString(const FileRequest& request);

}  // namespace mc::control
