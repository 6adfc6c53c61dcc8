#include "metadata/buffer_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/text.h"
#include "segment/protocols.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kMostOverlaps = 10;  // That are told one by one.

// The same address means something else in another location, such as another device's memory.
auto place(const MemoryBuffer& buffer) {
    return std::tie(buffer.protocol, buffer.name);
}

bool haveAddresses(const SegmentDescriptor& descriptor) {
    return std::ranges::none_of(descriptor.protocols, [](const std::string& name) {
        const auto* traits = findProtocol(name);
        return traits != nullptr && traits->kind == BufferKind::SharedPool;
    });
}

void addOverlaps(const std::vector<MemoryBuffer>& buffers, std::vector<std::string>& problems) {
    std::vector<std::size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return std::tuple_cat(place(buffers[a]), std::tie(buffers[a].addr, a)) <
               std::tuple_cat(place(buffers[b]), std::tie(buffers[b].addr, b));
    });
    // The one before that reaches furthest: a long one may hold several that follow.
    std::size_t last = 0;
    std::size_t overlaps = 0;
    for (std::size_t i = 1; i < order.size(); ++i) {
        const auto& before = buffers[order[last]];
        const auto& buffer = buffers[order[i]];
        const bool same = place(before) == place(buffer);
        const bool overlap = same && before.addr + before.length > buffer.addr;
        overlaps += overlap ? 1 : 0;
        if (overlap && overlaps <= kMostOverlaps) {
            problems.push_back(fmt::format("buffers[{}] and buffers[{}] overlap: {:#x}+{} and {:#x}+{}", order[last],
                                           order[i], before.addr, before.length, buffer.addr, buffer.length));
        }
        if (!same || buffer.addr + buffer.length > before.addr + before.length) last = i;
    }
    if (overlaps > kMostOverlaps)
        problems.push_back(fmt::format("and {} buffers more overlap", overlaps - kMostOverlaps));
}

}  // namespace

std::vector<std::string> bufferProblems(const SegmentDescriptor& descriptor) {
    std::vector<std::string> problems;
    if (haveAddresses(descriptor)) addOverlaps(descriptor.buffers, problems);
    for (std::size_t i = 0; i < descriptor.legacy_files.size(); ++i) {
        const auto& file = descriptor.legacy_files[i];
        if (file.file_path.empty()) problems.push_back(fmt::format("buffers[{}] has no file_path", i));
        if (file.length == 0) {
            problems.push_back(
                fmt::format("buffers[{}], {}, has no bytes, as a block device that was registered by its "
                            "file size",
                            i, printable(file.file_path)));
        }
    }
    for (std::size_t i = 0; i < descriptor.file_buffers.size(); ++i) {
        const auto& file = descriptor.file_buffers[i];
        if (file.size == 0)
            problems.push_back(fmt::format("file_buffers[{}], {}, has no bytes", i, printable(file.path)));
    }
    // Without buffers, it may wait for its engine.
    if (descriptor.speaks("tcp") && descriptor.tcp_data_port == 0 && !descriptor.buffers.empty())
        problems.emplace_back("tcp_data_port is 0");
    return problems;
}

}  // namespace mc::metadata
