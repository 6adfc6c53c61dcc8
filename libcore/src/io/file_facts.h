#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::io {

/// A file or block device that segments can be made of.
struct FileFacts {
    std::string path;  ///< Absolute, as it was named otherwise: links are kept, those of /dev/disk are names that last.
    std::uint64_t length = 0;
    bool is_block_device = false;
    dev_t device = 0;  ///< With `inode` what tells files apart that have several names;
    ino_t inode = 0;   ///< of a block device 0.
};

/// Makes a path absolute, without "." and doubled slashes; the file need not exist.
std::string absolutePath(std::string_view path);

/// Looks at the file. NoInput if it does not exist, NotPermitted if it may not be looked at, BadData if it is empty, or
/// neither a regular file nor a block device, or has a name that is not UTF-8.
Result<FileFacts> inspectFile(std::string_view path);

}  // namespace mc::io
