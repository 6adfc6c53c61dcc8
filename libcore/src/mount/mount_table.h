#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::mount {

/// A line of the kernel's list of mounts.
struct MountPoint {
    std::string directory;
    std::string type;    ///< "fuse.mc-mount", "ext4".
    std::string source;  ///< What is mounted there.
    std::string device;  ///< "0:45".

    /// A directory that mc-mount serves, or did.
    bool isOurs() const { return type == "fuse.mc-mount"; }
};

/// Reads the text of /proc/PID/mountinfo; lines that are none are left out.
std::vector<MountPoint> parseMountInfo(std::string_view text);

/// This process's mounts.
Result<std::vector<MountPoint>> mountPoints();

/// What is seen at that absolute path: of several mounts on it the last. Nothing where none is.
std::optional<MountPoint> mountAt(const std::vector<MountPoint>& mounts, std::string_view directory);

}  // namespace mc::mount
