#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

#include "io/block_device.h"

namespace mc::localfiles {

/// The files of a segment as its offsets see them: one behind the other, in order. Does not change.
class FileChain {
  public:
    /// A range within one file.
    struct Piece {
        io::BlockDevice* device = nullptr;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };

    /// Opens the paths at which `server_name` has mounted a segment's files. NotFound for one that it has not; else as
    /// openFileDevice.
    static Result<std::shared_ptr<const FileChain>> open(const SegmentDescriptor& descriptor,
                                                         const std::string& server_name);
    explicit FileChain(std::vector<std::shared_ptr<io::BlockDevice>> files);

    std::uint64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
    bool holds(std::uint64_t offset, std::uint64_t length) const {
        return offset <= size() && length <= size() - offset;
    }
    /// The beginning of a range that the chain holds, as far as one file has it.
    Piece pieceAt(std::uint64_t offset, std::uint64_t length) const;

  private:
    std::vector<std::shared_ptr<io::BlockDevice>> files_;
    std::vector<std::uint64_t> ends_;  // Of each file, in the segment.
};

}  // namespace mc::localfiles
