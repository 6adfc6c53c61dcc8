#include "transport/transport.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace mc {

Result<void> Transport::registerFiles(std::span<const FileEntry> files) {
    if (files.empty()) return {};
    return fail(ErrorCode::Unsupported,
                fmt::format("file {}: transport {} has no files", files.front().path, protocol()));
}

Result<void> Transport::unregisterFile(FileBufferID id) {
    return fail(ErrorCode::NotFound, fmt::format("file {}: transport {} has no files", id, protocol()));
}

}  // namespace mc
