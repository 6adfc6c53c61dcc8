#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mc/engine.h"
#include "mc/engine_options.h"
#include "mc/segment.h"

#include "nvme/target/target.h"

namespace mc::nvmeof {

/// The files that this side serves: namespaces of one subsystem of a target, which begins to listen with the first of
/// them. From any thread.
class ServedFiles {
  public:
    /// `where`: as parseTransportId gives it.
    ServedFiles(NvmeTransportId where, std::string server_name, const NvmeofOptions& options);

    Result<void> add(FileBufferID id, const std::string& path, const LocalFileOptions& options);
    /// Returns when no peer can reach the file any more.
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

    Result<void> start();

    const std::string server_name_;
    const NvmeofOptions& options_;
    mutable std::mutex mutex_;  // Guards what follows.
    NvmeTransportId where_;
    std::map<FileBufferID, File> files_;
    std::unique_ptr<nvme::Target> target_;
};

}  // namespace mc::nvmeof
