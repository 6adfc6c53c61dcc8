#include "bench/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "base/errors.h"
#include "base/units.h"
#include "bench/pattern.h"

namespace mc::bench {
namespace {

// The share of `thread` when `total` blocks are dealt out in turn.
std::uint64_t shareOf(std::uint64_t total, std::uint32_t thread, std::uint32_t threads) {
    return (total / threads) + (thread < total % threads ? 1 : 0);
}

}  // namespace

Placement::Placement(const Case& parameters, std::span<const RemoteBuffer> buffers, std::uint32_t thread,
                     std::uint64_t seed)
    : parameters_(parameters), thread_(thread), bytes_before_{0}, blocks_before_{0} {
    for (const RemoteBuffer& buffer : buffers) {
        bytes_before_.push_back(bytes_before_.back() + buffer.length);
        blocks_before_.push_back(blocks_before_.back() + (buffer.length / parameters.block_size));
    }
    if (!moves()) return;
    blocks_ = shareOf(blocks_before_.back(), thread, parameters.threads);
    std::mt19937_64 random(seed + thread);
    position_ = random() % blocks_;
    do {
        step_ = (random() % blocks_) + 1;
    } while (std::gcd(step_, blocks_) != 1);
}

Placement::Place Placement::next(std::uint32_t request) {
    if (moves()) return random();
    const std::size_t buffer = thread_ % (bytes_before_.size() - 1);
    return {.buffer = buffer, .offset = parameters_.offset(thread_, request), .before = bytes_before_[buffer]};
}

Placement::Place Placement::random() {
    const std::uint64_t block = (position_ * parameters_.threads) + thread_;
    position_ = position_ < blocks_ - step_ ? position_ + step_ : position_ - (blocks_ - step_);
    const auto behind = std::ranges::upper_bound(blocks_before_, block);
    const auto buffer = static_cast<std::size_t>(behind - blocks_before_.begin()) - 1;
    return {.buffer = buffer,
            .offset = (block - blocks_before_[buffer]) * parameters_.block_size,
            .before = bytes_before_[buffer]};
}

Result<void> checkPlacement(const Case& parameters, std::span<const RemoteBuffer> buffers, bool verify) {
    std::vector<std::uint64_t> lengths;
    std::uint64_t blocks = 0, bytes = 0;
    for (const RemoteBuffer& buffer : buffers) {
        lengths.push_back(buffer.length);
        blocks += buffer.length / parameters.block_size;
        bytes += buffer.length;
    }
    if (verify && bytes > Pattern::kMaxBytes) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("the segment has {}, but blocks can be verified in {} at most", formatSize(bytes),
                                formatSize(Pattern::kMaxBytes)));
    }
    if (parameters.access == Access::Fixed || buffers.empty()) return checkFits(parameters, lengths, "remote");
    const std::uint64_t needed = std::uint64_t{parameters.threads} * (verify ? parameters.requests() : 1);
    if (blocks >= needed) return {};
    return fail(ErrorCode::InvalidArgument,
                fmt::format("the segment has room for {} blocks of {}, but {}threads {} needs {}", blocks,
                            formatSize(parameters.block_size),
                            verify ? fmt::format("verifying batch_size {} * ", parameters.batch_size) : "",
                            parameters.threads, needed),
                "use smaller blocks, batches or fewer threads");
}

}  // namespace mc::bench
