#pragma once

#include <string>
#include <vector>

#include "mc/error.h"

#include "mount/file_plan.h"
#include "mount/remote_files.h"

namespace mc::mount {

/// What a user wants to mount.
struct SourceRequest {
    std::string segment;                 ///< As openSegment takes it.
    std::string via;                     ///< The segment of the target that serves its files; empty: found by itself.
    std::string server_name;             ///< Under which local paths are looked up.
    std::vector<std::string> selection;  ///< As selectFiles() takes it.
};

/// Where the bytes of a segment's files come from.
struct MountSource {
    std::string segment;  ///< To which requests go.
    std::vector<MountedFile> files;
    bool records = false;  ///< Where they are mounted is to be noted in the segment's descriptor.
};

/// The files of a segment of a running target; or those of a static one (protocol nvmeof), which a target serves: that
/// of `via`, or NAME-files or NAME for the segment's server NAME; else those that `server_name` has mounted already,
/// which are read by their local paths. NotFound where none of them has the files.
Result<MountSource> findSource(RemoteFiles& remote, const SourceRequest& request);

}  // namespace mc::mount
