#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mc/error.h"

#include "io/block_request.h"

namespace mc::io {

/// A fixed number of bytes that can be read and written by blocks: a regular file, a raw device, or memory. Its
/// properties do not change. Users move its bytes through a BlockQueue. From any thread.
class BlockDevice {
  public:
    BlockDevice() = default;
    BlockDevice(const BlockDevice&) = delete;
    BlockDevice& operator=(const BlockDevice&) = delete;
    virtual ~BlockDevice() = default;

    /// A path, or what the memory is called; for messages.
    virtual const std::string& name() const = 0;
    /// Bytes. Of a direct device a multiple of blockSize(); of another one perhaps not.
    virtual std::uint64_t size() const = 0;
    /// Bytes; a power of two from 512. Offsets and lengths are multiples of it where `isDirect`, else its preferred
    /// unit. The same whether a file is opened direct or not, so that a partition table in it stays valid, unless
    /// direct I/O needs more.
    virtual std::uint32_t blockSize() const = 0;
    /// Of BlockRequest::data, in bytes; 1: any.
    virtual std::uint32_t memoryAlignment() const { return 1; }
    virtual bool isReadOnly() const { return false; }
    /// Past the page cache.
    virtual bool isDirect() const { return false; }
    /// The kernel carries out one write at a time: further threads would only spin for the file's lock.
    virtual bool writesExclude() const { return false; }
    /// Of a file; -1 where there is none.
    virtual int descriptor() const { return -1; }
    /// Of a file that sendfile(2) takes the range from, which is not empty, without waiting for a disk; else -1.
    virtual int sendableFrom(std::uint64_t /*offset*/, std::uint64_t /*length*/) { return -1; }
    /// All of it where it is memory, which may be read and written in place; else empty.
    virtual std::span<std::byte> memory() const { return {}; }

    /// What a BlockQueue calls with requests that it has checked.
    /// Does what takes no longer than a copy: 0 or an errno. Nothing where it would wait; `moved` tells what is done.
    virtual std::optional<int> tryNow(BlockRequest& request) = 0;
    /// Does it all, from `moved` on, however long that takes: 0 or an errno.
    virtual int carryOut(BlockRequest& request) = 0;
};

struct FileDeviceOptions {
    std::uint64_t size = 0;  ///< Bytes to offer, from the file's beginning; 0: all of it.
    bool read_only = false;
    bool direct = false;  ///< O_DIRECT.
    bool force = false;   ///< A block device also where something is on it.
    bool shared = false;  ///< A block device also where others have it open.
};

/// A regular file or a block device. Errors name the path: NoInput, NotPermitted, BadData as inspectFile;
/// InvalidArgument where it is smaller than asked for, Busy for a block device that is in use (mounted) and would be
/// written, AlreadyExists for one that holds a file system or a partition table, without `force`; Unsupported where
/// the file system has no direct I/O.
Result<std::shared_ptr<BlockDevice>> openFileDevice(const std::string& path, const FileDeviceOptions& options);

/// Memory of `size` bytes, a multiple of `block_size`; zeroed, in huge pages where the kernel has them.
Result<std::shared_ptr<BlockDevice>> makeMemoryDevice(std::string name, std::uint64_t size,
                                                      std::uint32_t block_size = 4096);

}  // namespace mc::io
