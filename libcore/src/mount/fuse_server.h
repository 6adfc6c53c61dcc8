#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "mc/error.h"

#include "mount/remote_files.h"

namespace mc::mount {

/// Whether this build can serve directories by FUSE.
bool fuseIsBuiltIn();

/// Bytes of memory that a server with so many threads takes of its RemoteFiles.
std::size_t fuseMemorySize(unsigned threads);

struct FuseOptions {
    std::string directory;  ///< Absolute; it exists.
    std::string source;     ///< What the list of mounts says is mounted there.
    bool read_only = false;
    bool allow_other = false;  ///< Other users than this one may use it.
    bool kernel_cache = true;  ///< What was read may be in this machine's page cache, until the file is opened again.
    unsigned threads = 16;     ///< Requests that are served at once.
};

/// A directory that has remote files, served by threads of this process.
class FuseServer {
  public:
    /// Mounts and serves. Unsupported where this build has no FUSE; Unavailable, NotPermitted or Config, with the
    /// command that mends it, where the machine or the user has not what it takes. `remote` outlives it.
    static Result<std::unique_ptr<FuseServer>> mount(const FuseOptions& options, RemoteFiles& remote);
    FuseServer() = default;
    FuseServer(const FuseServer&) = delete;
    FuseServer& operator=(const FuseServer&) = delete;
    /// Takes the mount off if it is still there; what is open in it fails from then on.
    virtual ~FuseServer() = default;

    /// Waits until somebody has taken the mount off (true) or a stop is requested (false).
    virtual bool waitUntilUnmounted(const std::stop_token& stop) = 0;
};

}  // namespace mc::mount
