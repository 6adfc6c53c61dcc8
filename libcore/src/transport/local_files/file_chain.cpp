#include "transport/local_files/file_chain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/text.h"

namespace mc::localfiles {

Result<std::shared_ptr<const FileChain>> FileChain::open(const SegmentDescriptor& descriptor,
                                                         const std::string& server_name) {
    std::vector<std::shared_ptr<io::BlockDevice>> files;
    for (const LegacyFile& file : descriptor.legacy_files) {
        if (file.length == 0) continue;  // Has no offsets; as a device's size it would mean all of the file.
        const auto path = file.local_path_map.find(server_name);
        if (path == file.local_path_map.end() || path->second.empty()) {
            return fail(ErrorCode::NotFound,
                        fmt::format("segment {}: {} is not mounted by {}", descriptor.name, printable(file.file_path),
                                    server_name),
                        fmt::format("mount it, with mc-mount --as {}", server_name));
        }
        io::FileDeviceOptions options;
        options.size = file.length;
        options.shared = true;  // By the chain that this one follows.
        auto device = io::openFileDevice(path->second, options);
        if (!device) return std::unexpected(wrap(fmt::format("segment {}", descriptor.name), device.error()));
        files.push_back(std::move(*device));
    }
    return std::make_shared<const FileChain>(std::move(files));
}

FileChain::FileChain(std::vector<std::shared_ptr<io::BlockDevice>> files) : files_(std::move(files)) {
    std::uint64_t end = 0;
    for (const auto& file : files_) {
        ends_.push_back(end += file->size());
    }
}

BlockFiles::Piece FileChain::pieceAt(const Slice& slice, std::uint64_t moved) const {
    const std::uint64_t offset = slice.remote + moved;
    const auto index = static_cast<std::size_t>(std::ranges::upper_bound(ends_, offset) - ends_.begin());
    const std::uint64_t begin = ends_[index] - files_[index]->size();
    return {.device = files_[index].get(),
            .offset = offset - begin,
            .length = std::min(slice.length - moved, ends_[index] - offset)};
}

}  // namespace mc::localfiles
