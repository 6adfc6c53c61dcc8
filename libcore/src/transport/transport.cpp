#include "transport/transport.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace mc {

Result<void> Transport::registerFile(FileBufferID /*id*/, const std::string& path,
                                     const LocalFileOptions& /*options*/) {
    return fail(ErrorCode::Unsupported, fmt::format("file {}: transport {} has no files", path, protocol()));
}

Result<void> Transport::unregisterFile(FileBufferID id) {
    return fail(ErrorCode::NotFound, fmt::format("file {}: transport {} has no files", id, protocol()));
}

}  // namespace mc
