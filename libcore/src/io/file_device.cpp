#include "io/file_device.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "io/page_cache.h"

namespace mc::io {
namespace {

// Direct I/O needs it aligned; 4 KiB is what any device asks at most.
alignas(4096) constexpr std::array<std::byte, 65536> kZeroes{};

int result(int returned) {
    return returned == 0 ? 0 : errno;
}

bool isUnsupported(int error) {
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

}  // namespace

FileDevice::FileDevice(std::string path, FileDescriptor file, const FileGeometry& geometry)
    : path_(std::move(path)), file_(std::move(file)), geometry_(geometry) {}

std::optional<int> FileDevice::tryNow(BlockRequest& request) {
    const bool reads = request.kind == BlockRequest::Kind::Read;
    if (geometry_.direct || (!reads && request.kind != BlockRequest::Kind::Write) || request.durable)
        return std::nullopt;
    if (geometry_.is_memory) return move(request, 0);
    std::atomic<bool>& tells = reads ? tells_reads_ : tells_writes_;
    if (!tells.load(std::memory_order_relaxed)) return std::nullopt;
    const int error = move(request, RWF_NOWAIT);
    if (error == EOPNOTSUPP) tells.store(false, std::memory_order_relaxed);
    if (error == EAGAIN || error == EOPNOTSUPP) return std::nullopt;
    return error;
}

int FileDevice::sendableFrom(std::uint64_t offset, std::uint64_t length) {
    if (geometry_.direct || !tells_cache_.load(std::memory_order_relaxed)) return -1;
    // What is left of a folio behind the end of a file that was made shorter still counts as cached.
    struct stat status{};
    const bool whole = geometry_.is_block_device || (::fstat(file_.get(), &status) == 0 &&
                                                     static_cast<std::uint64_t>(status.st_size) >= offset + length);
    if (!whole) return -1;
    const auto cached = inPageCache(file_.get(), offset, length);
    if (!cached) tells_cache_.store(false, std::memory_order_relaxed);
    return cached.value_or(false) && isRead(offset + length - 1) ? file_.get() : -1;
}

// What is still being read counts as cached, too; it comes in order.
bool FileDevice::isRead(std::uint64_t offset) const {
    std::byte byte{};
    const iovec part{&byte, 1};
    return ::preadv2(file_.get(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
}

int FileDevice::carryOut(BlockRequest& request) {
    switch (request.kind) {
        case BlockRequest::Kind::Read:
            return move(request, 0);
        case BlockRequest::Kind::Write:
            // Direct ones have nothing else to lose. Elsewhere an error of RWF_DSYNC may be another write's.
            if (geometry_.direct) return move(request, request.durable ? RWF_DSYNC : 0);
            if (const int error = move(request, 0); error != 0 || !request.durable) return error;
            return sync();
        case BlockRequest::Kind::Flush:
            return sync();
        case BlockRequest::Kind::Discard:
            return discard(request);
        case BlockRequest::Kind::WriteZeroes:
            return writeZeroes(request);
    }
    return EINVAL;
}

int FileDevice::move(BlockRequest& request, int flags) {
    while (request.moved < request.length) {
        const iovec part{request.data + request.moved, request.length - request.moved};
        const auto at = static_cast<off_t>(request.offset + request.moved);
        const ssize_t count = request.kind == BlockRequest::Kind::Read ? ::preadv2(file_.get(), &part, 1, at, flags)
                                                                       : ::pwritev2(file_.get(), &part, 1, at, flags);
        if (count > 0) {
            request.moved += static_cast<std::uint64_t>(count);
        } else if (count == 0) {
            // Somebody has made the file shorter; or it is Linux 5.9 or 5.10, which says so instead of EAGAIN.
            return (flags & RWF_NOWAIT) != 0 ? EAGAIN : EIO;
        } else if (errno == EIO) {
            tells_cache_.store(false, std::memory_order_relaxed);  // What could not be read counts as cached.
            return EIO;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int FileDevice::sync() {
    const std::lock_guard lock(sync_mutex_);
    if (lost_ != 0) return lost_;
    const int error = result(::fdatasync(file_.get()));
    if (geometry_.direct) return error;
    lost_ = error == EAGAIN || error == ENOMEM ? EIO : error;  // It would do no good to try again.
    return lost_;
}

int FileDevice::discard(const BlockRequest& request) const {
    int error = 0;
    if (geometry_.is_block_device) {
        std::array<std::uint64_t, 2> range{request.offset, request.length};
        error = result(::ioctl(file_.get(), BLKDISCARD, range.data()));
    } else {
        error = result(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   static_cast<off_t>(request.offset), static_cast<off_t>(request.length)));
    }
    return isUnsupported(error) ? 0 : error;  // It is only advice.
}

int FileDevice::writeZeroes(const BlockRequest& request) {
    int error = zeroByKernel(request);
    if (isUnsupported(error)) error = overwriteWithZeroes(request);
    if (error == 0 && request.durable) error = sync();
    return error;
}

int FileDevice::zeroByKernel(const BlockRequest& request) const {
    const auto offset = static_cast<off_t>(request.offset);
    const auto length = static_cast<off_t>(request.length);
    if (geometry_.is_block_device) {
        std::array<std::uint64_t, 2> range{request.offset, request.length};
        return result(::ioctl(file_.get(), BLKZEROOUT, range.data()));
    }
    if (request.may_unmap) {
        const int error = result(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
        if (!isUnsupported(error)) return error;
    }
    return result(::fallocate(file_.get(), FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length));
}

int FileDevice::overwriteWithZeroes(const BlockRequest& request) const {
    std::uint64_t done = 0;
    while (done < request.length) {
        std::array<iovec, 16> parts{};
        std::uint64_t taken = 0;
        std::size_t count = 0;
        for (; count < parts.size() && done + taken < request.length; ++count) {
            const auto length = std::min<std::uint64_t>(kZeroes.size(), request.length - done - taken);
            parts[count] = {const_cast<std::byte*>(kZeroes.data()), length};
            taken += length;
        }
        const ssize_t written =
            ::pwritev(file_.get(), parts.data(), static_cast<int>(count), static_cast<off_t>(request.offset + done));
        if (written > 0) {
            done += static_cast<std::uint64_t>(written);
        } else if (written == 0) {
            return EIO;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace mc::io
