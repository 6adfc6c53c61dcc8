#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mount/fuse_server.h"
#include "mount/remote_files.h"

namespace mc::mount {

/// The directory that a FuseServer shows: one for all files, and one file that tells its state. From any thread.
class FuseDirectory {
  public:
    static constexpr std::uint64_t kRoot = 1;
    static constexpr std::uint64_t kStatus = 2;

    FuseDirectory(const FuseOptions& options, RemoteFiles& remote);

    /// Its inode; 0: there is no such file.
    std::uint64_t find(std::string_view name) const;
    /// Null for what is no remote file.
    const MountedFile* file(std::uint64_t inode) const;
    /// False: there is no such inode.
    bool describe(std::uint64_t inode, struct stat& facts) const;
    void noteWrite(std::uint64_t inode);

    /// What a reader of the status file sees, from its opening on; by the handle until it is forgotten.
    std::uint64_t openStatus();
    std::string status(std::uint64_t handle) const;
    void closeStatus(std::uint64_t handle);

    std::uint64_t size() const;  ///< Bytes, of all files.

  private:
    std::string describeState() const;

    RemoteFiles& remote_;
    const std::string source_;
    const std::uint32_t file_mode_;  // Of files that the target lets be written.
    const std::uint32_t user_;
    const std::uint32_t group_;
    const timespec mounted_;
    std::vector<std::atomic<std::int64_t>> written_;  // Nanoseconds of CLOCK_REALTIME, of each file.
    mutable std::mutex mutex_;                        // Guards what follows.
    std::map<std::uint64_t, std::string> statuses_;
    std::uint64_t next_status_ = 1;
};

}  // namespace mc::mount
