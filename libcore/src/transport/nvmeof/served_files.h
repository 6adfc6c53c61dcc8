#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mc/engine.h"
#include "mc/engine_options.h"
#include "mc/segment.h"

#include "transport/nvmeof/file_target.h"

namespace mc::nvmeof {

/// Whose files they are.
struct FileOwner {
    std::string name;             ///< Of the segment; in the subsystem's NQN, unless the options have one.
    std::string identity;         ///< What hosts recognise the files by, with their paths; the same after a restart.
    std::string advertised_host;  ///< Published, also in the discovery log; empty: the address that is bound.
};

/// The files that this side serves: namespaces of one subsystem of a target, its own or the kernel's, which lets hosts
/// in once the first of them are there. From any thread.
class ServedFiles {
  public:
    /// `where`: as parseTransportId gives it.
    ServedFiles(NvmeTransportId where, FileOwner owner, const NvmeofOptions& options);

    /// All or none.
    Result<void> add(std::span<const FileEntry> files);
    /// Returns when no peer can reach the file any more. TimedOut where its device still has something to do, too.
    Result<void> remove(FileBufferID id);
    void describe(SegmentDescriptor& descriptor) const;
    /// Nothing before the first file.
    std::optional<FileService> service() const;
    /// Adds what was served.
    void count(TransportCounters& counters) const;

  private:
    struct File {
        std::string path;
        std::uint64_t size = 0;
    };

    Result<std::vector<FileToServe>> open(std::span<const FileEntry> files) const;
    Result<void> start(std::vector<FileToServe> files);
    Result<void> addToTarget(std::vector<FileToServe> files);
    NvmeTransportId published() const;

    const FileOwner owner_;
    const NvmeofOptions& options_;
    const NvmeofBackend backend_;
    mutable std::mutex mutex_;  // Guards what follows.
    NvmeTransportId where_;
    std::map<FileBufferID, File> files_;
    std::unique_ptr<FileTarget> target_;  // Once it is there, it stays: called without the lock, too.
};

}  // namespace mc::nvmeof
