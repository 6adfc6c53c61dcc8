// In place of fuse_server.cpp where libfuse was not found.
#include "mount/fuse_checks.h"
#include "mount/fuse_server.h"

namespace mc::mount {

bool fuseIsBuiltIn() {
    return false;
}

std::size_t fuseMemorySize(unsigned /*threads*/) {
    return 0;
}

Result<std::unique_ptr<FuseServer>> FuseServer::mount(const FuseOptions& options, RemoteFiles& /*remote*/) {
    return std::unexpected(checkFuse(options).error());
}

}  // namespace mc::mount
