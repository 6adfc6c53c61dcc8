#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"
#include "mc/transfer.h"

namespace mc::mount {

/// A remote file as it appears in a directory.
struct MountedFile {
    std::string name;          ///< In the directory.
    std::string path;          ///< On the machine that has it.
    std::uint64_t number = 0;  ///< nvmeof_generic: its id. nvmeof: its position, from 1 on.
    std::uint64_t size = 0;    ///< Bytes.
    FileBufferID file_id = 0;  ///< As requests address it.
    std::uint64_t offset = 0;  ///< The same, of its first byte.

    bool operator==(const MountedFile&) const = default;
};

/// The name of the file through which a mounted directory tells its state; no remote file gets it.
inline constexpr const char* kStatusFileName = ".mc-status";

/// The files of a segment, with their names in a directory: the last part of the path; where several files of the
/// segment have the same one, NUMBER-NAME, of all of them. BadData for a segment without files.
Result<std::vector<MountedFile>> planFiles(const SegmentDescriptor& descriptor);

/// Those of `files` that the words mean, in the order of `files`: a number, a path on the machine that has the file, or
/// a name in the directory. No word: all. NotFound names the word that means none.
Result<std::vector<MountedFile>> selectFiles(std::vector<MountedFile> files, std::span<const std::string> words);

/// The files of the segment of a running target that are those of `legacy`, by their paths, under the names that they
/// have there. NotFound names one that the target does not serve, or not all of.
Result<std::vector<MountedFile>> locateFiles(const std::vector<MountedFile>& legacy, const SegmentDescriptor& target);

}  // namespace mc::mount
