#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace mc::mount {

/// Who has which file open, and whether the kernel's page cache is between. From any thread.
///
/// Who only writes goes past the cache, which costs a copy and memory, and gives nothing. Who only reads goes through
/// it: what is written past it is to be forgotten then. Two that write never mix: of a page that one of them has
/// changed by a mapping, the whole is written back, over what the other wrote.
class FuseOpens {
  public:
    /// An open file, until it is closed.
    struct Open {
        std::uint64_t handle = 0;
        bool past_cache = false;
    };

    /// `last_close`: how long the kernel may take to tell of a close(2).
    FuseOpens(std::size_t files, bool kernel_cache,
              std::chrono::milliseconds last_close = std::chrono::milliseconds(50));

    /// Flags as of open(2). Of a file that is open past the cache, one to read and write waits a moment: its writer may
    /// just have closed it.
    Open open(std::size_t file, int flags, pid_t pid);
    void close(std::uint64_t handle);
    static bool isPastCache(std::uint64_t handle) { return (handle & 1U) != 0; }

    /// Somebody has it open whose reads are cached.
    bool isCached(std::size_t file) const { return files_[file].cached.load() > 0; }
    /// That thread has it open for writing.
    bool writes(std::size_t file, pid_t pid) const;

  private:
    struct File {
        std::atomic<unsigned> cached = 0;  // Whoever reads, or writes, through the cache.
        unsigned cached_writers = 0;
        unsigned past_writers = 0;
    };
    struct Entry {
        std::size_t file = 0;
        bool writes = false;
        pid_t pid = 0;
    };

    bool goesPast(File& file, int flags, std::unique_lock<std::mutex>& lock);

    const bool kernel_cache_;
    const std::chrono::milliseconds last_close_;
    mutable std::mutex mutex_;  // Guards what follows but File::cached.
    std::condition_variable closed_;
    std::vector<File> files_;
    std::map<std::uint64_t, Entry> open_;
    std::uint64_t next_ = 1;
};

}  // namespace mc::mount
