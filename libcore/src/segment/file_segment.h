#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

namespace mc {

/// The descriptor of a static segment of files, which `server_name` has.
SegmentDescriptor makeFileSegment(std::string server_name, std::vector<LegacyFile> files);

/// A file segment's descriptor that was changed.
struct EditedFiles {
    std::string json;
    std::size_t changed = 0;  ///< Files that were added, removed or changed; 0: the text is what it was.
};

/// These change the text of a descriptor and keep everything in it that they do not know, in the order in which it
/// was; but for its form, which becomes that of encodeSegmentDescriptor(). BadData if the text is no descriptor of a
/// file segment, or nested too deeply to be written again.

/// Adds the files that are not there yet, at the end, so that no other changes its offset. AlreadyExists if the segment
/// is of another server, or has a file of this name with another length.
Result<EditedFiles> addFiles(std::string_view json, std::string_view server_name, std::span<const LegacyFile> files);

/// Removes the files of these names.
Result<EditedFiles> removeFiles(std::string_view json, std::span<const std::string> paths);

/// Of files, by their names: where a server has mounted them.
using LocalPaths = std::map<std::string, std::string>;

/// Notes for these files that `server_name` has mounted them there, whatever stood there for it before. NotFound for a
/// file that the segment does not have.
Result<EditedFiles> setLocalPaths(std::string_view json, const std::string& server_name, const LocalPaths& paths);

/// Takes out what setLocalPaths() has noted, where it still stands there.
Result<EditedFiles> removeLocalPaths(std::string_view json, const std::string& server_name, const LocalPaths& paths);

}  // namespace mc
