#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::io {

/// A fixed number of bytes that can be read and written by blocks: a regular file, a raw device, or memory. Its
/// properties do not change; BlockQueue moves its bytes. From any thread.
class BlockDevice {
  public:
    BlockDevice() = default;
    BlockDevice(const BlockDevice&) = delete;
    BlockDevice& operator=(const BlockDevice&) = delete;
    virtual ~BlockDevice() = default;

    /// A path, or what the memory is called; for messages.
    virtual const std::string& name() const = 0;
    /// Bytes.
    virtual std::uint64_t size() const = 0;
    /// Bytes; a power of two. Offsets and lengths are multiples of it where `isDirect`, else its preferred unit.
    virtual std::uint32_t blockSize() const = 0;
    /// Of BlockRequest::data, in bytes; 1: any.
    virtual std::uint32_t memoryAlignment() const { return 1; }
    virtual bool isReadOnly() const { return false; }
    /// Past the page cache.
    virtual bool isDirect() const { return false; }
    /// Of a file; -1 where there is none.
    virtual int descriptor() const { return -1; }
    /// All of it where it is memory, which may be read and written in place; else empty.
    virtual std::span<std::byte> memory() const { return {}; }
};

struct FileDeviceOptions {
    std::uint64_t size = 0;  ///< Bytes to offer, from the file's beginning; 0: all of it.
    bool read_only = false;
    bool direct = false;  ///< O_DIRECT.
};

/// A regular file or a block device. NotFound, PermissionDenied and the like name the path; InvalidArgument for what
/// is neither, is empty, or is smaller than asked for.
Result<std::shared_ptr<BlockDevice>> openFileDevice(const std::string& path, const FileDeviceOptions& options);

/// Anonymous memory of `size` bytes, zeroed.
Result<std::shared_ptr<BlockDevice>> makeMemoryDevice(std::string name, std::uint64_t size,
                                                      std::uint32_t block_size = 4096);

}  // namespace mc::io
