#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "base/errors.h"
#include "base/text.h"
#include "io/block_device.h"
#include "io/file_device.h"
#include "io/file_facts.h"
#include "io/signature.h"

namespace mc::io {
namespace {

constexpr std::uint32_t kSector = 512;
constexpr std::uint32_t kPage = 4096;

struct DirectAlignment {
    std::uint32_t offset = 0;  // 0: no direct I/O.
    std::uint32_t memory = 0;
};

// What statx tells (Linux 6.1), or what every device can do.
DirectAlignment directAlignment(int fd, std::uint32_t otherwise) {
    struct statx facts{};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) == 0 && (facts.stx_mask & STATX_DIOALIGN) != 0)
        return {facts.stx_dio_offset_align, facts.stx_dio_mem_align};
    return {otherwise, otherwise};
}

bool isInMemory(int fd) {
    struct statfs facts{};
    if (::fstatfs(fd, &facts) != 0) return false;
    const auto type = static_cast<std::uint64_t>(facts.f_type);
    return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

std::uint32_t logicalBlockSize(int fd) {
    int size = 0;
    return ::ioctl(fd, BLKSSZGET, &size) == 0 && size > 0 ? static_cast<std::uint32_t>(size) : kSector;
}

Error refusal(const std::string& path, const FileDeviceOptions& options, bool is_block_device, int number) {
    Error error = systemError("open", printable(path), number);
    if (number == EBUSY && is_block_device) {
        error.code = ErrorCode::Busy;
        error.hint = "it is mounted, or another program has it: see lsblk, or offer it read-only";
    } else if (number == EINVAL && options.direct) {
        error.code = ErrorCode::Unsupported;
        error.message = fmt::format("open {}: its file system has no direct I/O", printable(path));
    }
    return error;
}

Result<void> refuseWhatIsInUse(const std::string& path) {
    const auto signature = knownSignature(path);
    if (!signature) return std::unexpected(signature.error());
    if (!*signature) return {};
    return fail(ErrorCode::AlreadyExists, fmt::format("{}: holds {}", printable(path), **signature),
                "give --force to offer it all the same; hosts may then overwrite it");
}

Result<FileGeometry> geometryOf(const FileFacts& facts, int fd, const FileDeviceOptions& options) {
    FileGeometry geometry{.is_block_device = facts.is_block_device,
                          .is_memory = !facts.is_block_device && !options.direct && isInMemory(fd),
                          .read_only = options.read_only,
                          .direct = options.direct};
    if (options.size > facts.length) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{}: has {} bytes, fewer than the {} asked for",
                                                            printable(facts.path), facts.length, options.size));
    }
    geometry.size = options.size != 0 ? options.size : facts.length;
    geometry.block_size = facts.is_block_device ? logicalBlockSize(fd) : geometry.size % kPage == 0 ? kPage : kSector;
    if (!options.direct) return geometry;
    const auto alignment = directAlignment(fd, facts.is_block_device ? geometry.block_size : kPage);
    if (!std::has_single_bit(alignment.offset) || !std::has_single_bit(alignment.memory)) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("open {}: the kernel has no direct I/O for it", printable(facts.path)));
    }
    geometry.block_size = std::max(geometry.block_size, alignment.offset);
    geometry.memory_alignment = alignment.memory;
    geometry.size -= geometry.size % geometry.block_size;
    if (geometry.size == 0) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: is smaller than a block of {} bytes", printable(facts.path), geometry.block_size));
    }
    return geometry;
}

}  // namespace

Result<std::shared_ptr<BlockDevice>> openFileDevice(const std::string& path, const FileDeviceOptions& options) {
    const auto facts = inspectFile(path);
    if (!facts) return std::unexpected(facts.error());
    if (facts->is_block_device && !options.force) {
        if (auto unused = refuseWhatIsInUse(facts->path); !unused) return std::unexpected(unused.error());
    }
    int flags = O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR) | (options.direct ? O_DIRECT : 0);
    // Linux gives a block device to one at a time who asks so; a mounted file system has asked.
    if (facts->is_block_device && !options.read_only && !options.shared) flags |= O_EXCL;
    FileDescriptor file(::open(facts->path.c_str(), flags));
    if (!file) return std::unexpected(refusal(facts->path, options, facts->is_block_device, errno));
    const auto geometry = geometryOf(*facts, file.get(), options);
    if (!geometry) return std::unexpected(geometry.error());
    return std::make_shared<FileDevice>(facts->path, std::move(file), *geometry);
}

}  // namespace mc::io
