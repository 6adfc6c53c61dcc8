#include "nvme/target/output_queue.h"

#include <algorithm>

namespace mc::nvme {
namespace {

constexpr std::array<std::byte, 128> kZeroes{};
constexpr std::size_t kPartsEach = 4;

// Appends what is left of one piece of an output after `skip` bytes of it and what follows.
void append(std::span<iovec> parts, std::size_t& count, std::uint64_t& skip, const std::byte* data,
            std::uint64_t length) {
    if (skip < length) {
        parts[count++] = {const_cast<std::byte*>(data) + skip, length - skip};
        skip = 0;
    } else {
        skip -= length;
    }
}

}  // namespace

void OutputQueue::reserve(std::size_t commands) {
    std::vector<Output*> larger(commands + kOwn);
    for (std::size_t i = 0; i < count_; ++i) {
        larger[i] = ring_[(first_ + i) % ring_.size()];
    }
    ring_ = std::move(larger);
    first_ = 0;
}

void OutputQueue::push(Output& output) {
    output.sent = 0;
    const std::size_t at = first_ + count_;
    ring_[at < ring_.size() ? at : at - ring_.size()] = &output;
    ++count_;
}

std::uint64_t OutputQueue::bytes() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const Output& output = *ring_[(first_ + i) % ring_.size()];
        total += output.size() - output.sent;
    }
    return total;
}

std::optional<OutputQueue::FilePart> OutputQueue::filePart() const {
    if (count_ == 0) return std::nullopt;
    const Output& output = *ring_[first_];
    const std::uint64_t begin = std::uint64_t{output.head_length} + output.padding;
    if (output.file < 0 || output.sent < begin || output.sent >= begin + output.length) return std::nullopt;
    const std::uint64_t done = output.sent - begin;
    return FilePart{output.file, output.file_offset + done, output.length - done};
}

std::size_t OutputQueue::gather(std::span<iovec> parts, bool& file_follows) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < count_ && count + kPartsEach <= parts.size(); ++i) {
        const std::size_t at = first_ + i;
        const Output& output = *ring_[at < ring_.size() ? at : at - ring_.size()];
        std::uint64_t skip = output.sent;
        append(parts, count, skip, output.head.data(), output.head_length);
        append(parts, count, skip, kZeroes.data(), output.padding);
        file_follows = output.file >= 0 && skip < output.length;
        if (file_follows) break;
        append(parts, count, skip, output.data, output.length);
        append(parts, count, skip, output.tail.data(), output.tail_length);
    }
    return count;
}

}  // namespace mc::nvme
