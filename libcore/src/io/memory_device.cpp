#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/errors.h"
#include "io/block_device.h"
#include "io/memory_buffer.h"

namespace mc::io {
namespace {

// Zeroing more than this is left to a worker.
constexpr std::uint64_t kZeroedNow = 64U << 10;

class MemoryDevice : public BlockDevice {
  public:
    MemoryDevice(std::string name, Buffer buffer, std::uint32_t block_size)
        : name_(std::move(name)), buffer_(std::move(buffer)), block_size_(block_size) {}

    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return buffer_.memory().size(); }
    std::uint32_t blockSize() const override { return block_size_; }
    std::span<std::byte> memory() const override { return buffer_.memory(); }

    std::optional<int> tryNow(BlockRequest& request) override {
        const bool zeroes =
            request.kind == BlockRequest::Kind::Discard || request.kind == BlockRequest::Kind::WriteZeroes;
        if (zeroes && request.length > kZeroedNow) return std::nullopt;
        return carryOut(request);
    }

    int carryOut(BlockRequest& request) override {
        if (request.kind == BlockRequest::Kind::Flush) return 0;
        const auto range = memory().subspan(request.offset, request.length);
        switch (request.kind) {
            case BlockRequest::Kind::Read:
                std::memcpy(request.data, range.data(), range.size());
                break;
            case BlockRequest::Kind::Write:
                std::memcpy(range.data(), request.data, range.size());
                break;
            case BlockRequest::Kind::WriteZeroes:
                if (!request.may_unmap) {
                    std::memset(range.data(), 0, range.size());
                    break;
                }
                [[fallthrough]];
            case BlockRequest::Kind::Discard:
                giveBack(range);
                break;
            case BlockRequest::Kind::Flush:
                break;
        }
        return 0;
    }

  private:
    // Its whole pages go back to the kernel, which has zeroed ones for whoever touches them next; the rest is zeroed.
    static void giveBack(std::span<std::byte> range) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const auto address = reinterpret_cast<std::uintptr_t>(range.data());
        const std::size_t head = std::min(range.size(), (page - address % page) % page);
        const std::size_t whole = (range.size() - head) / page * page;
        std::memset(range.data(), 0, head);
        if (whole > 0 && ::madvise(range.data() + head, whole, MADV_DONTNEED) != 0)
            std::memset(range.data() + head, 0, whole);
        std::memset(range.data() + head + whole, 0, range.size() - head - whole);
    }

    std::string name_;
    Buffer buffer_;
    std::uint32_t block_size_;
};

}  // namespace

Result<std::shared_ptr<BlockDevice>> makeMemoryDevice(std::string name, std::uint64_t size, std::uint32_t block_size) {
    if (!std::has_single_bit(block_size) || block_size < 512) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{}: {} is no size of a block", name, block_size),
                    "give a power of two from 512");
    }
    if (size == 0 || size % block_size != 0) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: {} bytes are no whole blocks of {}", name, size, block_size));
    }
    auto buffer = Buffer::allocate(size, {});
    if (!buffer) return std::unexpected(wrap(name, buffer.error()));
    return std::make_shared<MemoryDevice>(std::move(name), std::move(*buffer), block_size);
}

}  // namespace mc::io
