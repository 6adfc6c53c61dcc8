#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "io/block_device.h"

namespace mc::io {

/// What openFileDevice has found out about a file.
struct FileGeometry {
    std::uint64_t size = 0;
    std::uint32_t block_size = 0;
    std::uint32_t memory_alignment = 1;
    bool is_block_device = false;
    bool is_memory = false;  ///< Its file system keeps it in memory.
    bool read_only = false;
    bool direct = false;
};

/// A regular file or a block device, moved by ordinary system calls. Through the page cache, once a flush has failed
/// all later ones do, until it is opened again: the kernel tells only one of them that writes were lost.
class FileDevice : public BlockDevice {
  public:
    FileDevice(std::string path, FileDescriptor file, const FileGeometry& geometry);

    const std::string& name() const override { return path_; }
    std::uint64_t size() const override { return geometry_.size; }
    std::uint32_t blockSize() const override { return geometry_.block_size; }
    std::uint32_t memoryAlignment() const override { return geometry_.memory_alignment; }
    bool isReadOnly() const override { return geometry_.read_only; }
    bool isDirect() const override { return geometry_.direct; }
    bool writesExclude() const override { return !geometry_.direct && !geometry_.is_block_device; }
    int descriptor() const override { return file_.get(); }
    int sendableFrom(std::uint64_t offset, std::uint64_t length) override;
    std::optional<int> tryNow(BlockRequest& request) override;
    int carryOut(BlockRequest& request) override;

  private:
    int move(BlockRequest& request, int flags);
    int sync();
    bool isRead(std::uint64_t offset) const;
    int discard(const BlockRequest& request) const;
    int writeZeroes(const BlockRequest& request);
    int zeroByKernel(const BlockRequest& request) const;
    int overwriteWithZeroes(const BlockRequest& request) const;

    std::string path_;
    FileDescriptor file_;
    FileGeometry geometry_;
    // Whether the kernel tells what it has in its cache, and the file system that it would wait; until they say
    // otherwise.
    std::atomic<bool> tells_cache_ = true;
    std::atomic<bool> tells_reads_ = true;
    std::atomic<bool> tells_writes_ = true;
    std::mutex sync_mutex_;
    int lost_ = 0;  // Why, where writes were lost. Guarded by sync_mutex_.
};

}  // namespace mc::io
