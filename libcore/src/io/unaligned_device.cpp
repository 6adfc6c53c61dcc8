#include "io/unaligned_device.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mc::io {
namespace {

using Kind = BlockRequest::Kind;

constexpr std::uint64_t kMostAtOnce = std::uint64_t{1} << 20;

struct Free {
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory,cppcoreguidelines-no-malloc): what C hands out is freed by C
    void operator()(std::byte* memory) const { std::free(memory); }
};
using Blocks = std::unique_ptr<std::byte, Free>;

Blocks allocate(std::size_t length) {
    constexpr std::size_t kPage = 4096;
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory,cppcoreguidelines-no-malloc): what C hands out is freed by C
    return Blocks(static_cast<std::byte*>(std::aligned_alloc(kPage, (length + kPage - 1) / kPage * kPage)));
}

// The whole blocks that hold the next part of a request.
struct Window {
    std::uint64_t at = 0;     // Of the part.
    std::uint64_t taken = 0;  // Its length.
    std::uint64_t begin = 0;  // Of the blocks.
    std::uint64_t length = 0;
    std::uint64_t last = 0;  // Of the last one.
    bool begins_within = false;
    bool ends_within = false;
};

Window windowOf(const BlockRequest& request, std::uint64_t block) {
    const std::uint64_t at = request.offset + request.moved;
    const std::uint64_t end = request.offset + request.length;
    const std::uint64_t begin = at - at % block;
    const std::uint64_t length = std::min((end + block - 1) / block * block - begin, kMostAtOnce / block * block);
    const std::uint64_t taken = std::min(begin + length, end) - at;
    return {.at = at,
            .taken = taken,
            .begin = begin,
            .length = length,
            .last = begin + length - block,
            .begins_within = at > begin,
            .ends_within = at + taken < begin + length};
}

}  // namespace

std::optional<int> UnalignedDevice::tryNow(BlockRequest& /*request*/) {
    return std::nullopt;
}

int UnalignedDevice::carryOut(BlockRequest& request) {
    if (request.kind == Kind::Flush) return direct_->carryOut(request);
    if (request.kind != Kind::Read && request.kind != Kind::Write) return EOPNOTSUPP;
    const std::uint64_t block = blockSize();
    const Blocks blocks = allocate(std::min(kMostAtOnce, request.length + 2 * block));
    if (!blocks) return ENOMEM;
    while (request.moved < request.length) {
        const int error = request.kind == Kind::Read ? read(request, blocks.get()) : write(request, blocks.get());
        if (error != 0) return error;
    }
    return 0;
}

int UnalignedDevice::move(BlockRequest::Kind kind, std::uint64_t offset, std::span<std::byte> blocks) {
    BlockRequest request{
        .kind = kind, .device = direct_.get(), .offset = offset, .length = blocks.size(), .data = blocks.data()};
    return direct_->carryOut(request);
}

int UnalignedDevice::read(BlockRequest& request, std::byte* blocks) {
    const Window window = windowOf(request, blockSize());
    if (const int error = move(Kind::Read, window.begin, {blocks, window.length}); error != 0) return error;
    std::memcpy(request.data + request.moved, blocks + (window.at - window.begin), window.taken);
    request.moved += window.taken;
    return 0;
}

int UnalignedDevice::write(BlockRequest& request, std::byte* blocks) {
    const std::uint64_t block = blockSize();
    const Window window = windowOf(request, block);
    const PartLocks locks(*this, window.begins_within ? std::optional(window.begin) : std::nullopt,
                          window.ends_within ? std::optional(window.last) : std::nullopt);
    if (window.begins_within) {
        if (const int error = move(Kind::Read, window.begin, {blocks, block}); error != 0) return error;
    }
    if (window.ends_within && !(window.begins_within && window.last == window.begin)) {
        const auto last = std::span(blocks + (window.last - window.begin), block);
        if (const int error = move(Kind::Read, window.last, last); error != 0) return error;
    }
    std::memcpy(blocks + (window.at - window.begin), request.data + request.moved, window.taken);
    if (const int error = move(Kind::Write, window.begin, {blocks, window.length}); error != 0) return error;
    request.moved += window.taken;
    return 0;
}

// In one order for all, so that none waits for another that waits for it.
UnalignedDevice::PartLocks::PartLocks(UnalignedDevice& device, std::optional<std::uint64_t> first,
                                      std::optional<std::uint64_t> last) {
    const auto indexOf = [&](std::uint64_t offset) { return offset / device.blockSize() % device.locks_->size(); };
    std::optional<std::size_t> low = first ? std::optional(indexOf(*first)) : std::nullopt;
    std::optional<std::size_t> high = last ? std::optional(indexOf(*last)) : std::nullopt;
    if (low && high && *low > *high) std::swap(low, high);
    if (low == high) high.reset();
    if (low) first_ = std::unique_lock((*device.locks_)[*low]);
    if (high) second_ = std::unique_lock((*device.locks_)[*high]);
}

}  // namespace mc::io
