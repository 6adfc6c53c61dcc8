#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

#include "io/block_device.h"
#include "transport/block_files.h"

namespace mc::localfiles {

/// The files of a segment as its offsets see them: one behind the other, in order. Does not change.
class FileChain final : public BlockFiles {
  public:
    /// Opens the paths at which `server_name` has mounted a segment's files. NotFound for one that it has not; else as
    /// openFileDevice.
    static Result<std::shared_ptr<const FileChain>> open(const SegmentDescriptor& descriptor,
                                                         const std::string& server_name);
    explicit FileChain(std::vector<std::shared_ptr<io::BlockDevice>> files);

    std::uint64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
    bool holds(const Slice& slice) const override {
        return slice.remote <= size() && slice.length <= size() - slice.remote;
    }
    Piece pieceAt(const Slice& slice, std::uint64_t moved) const override;
    bool acknowledgeWrites() const override { return false; }

  private:
    std::vector<std::shared_ptr<io::BlockDevice>> files_;
    std::vector<std::uint64_t> ends_;  // Of each file, in the segment.
};

}  // namespace mc::localfiles
