#include "mount/fuse_opens.h"

#include <fcntl.h>

#include <algorithm>

namespace mc::mount {

FuseOpens::FuseOpens(std::size_t files, bool kernel_cache, std::chrono::milliseconds last_close)
    : kernel_cache_(kernel_cache), last_close_(last_close), files_(files) {}

bool FuseOpens::goesPast(File& file, int flags, std::unique_lock<std::mutex>& lock) {
    if (!kernel_cache_) return true;
    switch (flags & O_ACCMODE) {
        case O_RDONLY:
            return false;
        case O_WRONLY:
            return file.cached_writers == 0;
        default:
            // Only through the cache can it be mapped.
            return !closed_.wait_for(lock, last_close_, [&] { return file.past_writers == 0; });
    }
}

FuseOpens::Open FuseOpens::open(std::size_t index, int flags, pid_t pid) {
    std::unique_lock lock(mutex_);
    File& file = files_[index];
    const bool past = goesPast(file, flags, lock);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!past) file.cached.fetch_add(1);
    if (writes) ++(past ? file.past_writers : file.cached_writers);
    const std::uint64_t handle = (next_++ << 1U) | (past ? 1U : 0U);
    open_[handle] = {.file = index, .writes = writes, .pid = pid};
    return {.handle = handle, .past_cache = past};
}

void FuseOpens::close(std::uint64_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(handle);
    if (found == open_.end()) return;
    File& file = files_[found->second.file];
    const bool past = isPastCache(handle);
    if (!past) file.cached.fetch_sub(1);
    if (found->second.writes) --(past ? file.past_writers : file.cached_writers);
    open_.erase(found);
    closed_.notify_all();
}

bool FuseOpens::writes(std::size_t file, pid_t pid) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(open_, [&](const auto& entry) {
        return entry.second.file == file && entry.second.writes && entry.second.pid == pid;
    });
}

}  // namespace mc::mount
