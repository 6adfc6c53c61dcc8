#include "control/memory_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "io/available_memory.h"
#include "io/numa.h"

namespace mc::control {
namespace {

std::string namesOf(const std::vector<io::NumaNode>& nodes) {
    std::vector<std::string> names;
    names.reserve(nodes.size());
    for (const auto& node : nodes)
        names.push_back(fmt::format("cpu:{}", node.id));
    return join(names, ", ");
}

Result<io::BufferOptions> place(const MemoryRequest& request, const std::vector<io::NumaNode>& nodes) {
    io::BufferOptions options{.nodes = nodes, .bind = nodes.size() > 1};
    if (!request.node) return options;
    const auto found = std::ranges::find(nodes, *request.node, &io::NumaNode::id);
    if (found == nodes.end()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("memory {}@cpu:{}: this machine has no such NUMA node", formatSize(request.size),
                                *request.node),
                    fmt::format("it has {}", namesOf(nodes)));
    }
    options.nodes = {*found};
    return options;
}

// All of it at once, before the first of it is taken: filling pages takes its time.
Result<void> expectAvailable(std::span<const MemoryRequest> requests, const MemoryOptions& options) {
    if (options.huge_pages == io::HugePages::TwoMiB || options.huge_pages == io::HugePages::OneGiB) return {};
    const auto available = io::availableMemory();
    if (!available) return {};
    std::uint64_t total = 0;
    bool overflow = false;
    for (const MemoryRequest& request : requests)
        overflow = __builtin_add_overflow(total, request.size, &total) || overflow;
    const std::uint64_t huge = options.huge_pages == io::HugePages::Auto ? io::freeHugePages(2 << 20).value_or(0) : 0;
    if (!overflow && total <= *available + huge) return {};
    return fail(ErrorCode::System,
                fmt::format("allocate {}: only {} MiB of memory are available",
                            overflow ? "more than 16 EiB" : formatSize(total), (*available + huge) >> 20),
                "ask for less, or see what else uses memory: free -h, and the limits of the control group");
}

/// Where each of them goes, if there is room for all.
Result<std::vector<io::BufferOptions>> plan(std::span<const MemoryRequest> requests, const MemoryOptions& options) {
    const auto nodes = io::numaNodes();
    std::vector<io::BufferOptions> places;
    for (const MemoryRequest& request : requests) {
        auto placed = place(request, nodes);
        if (!placed) return std::unexpected(placed.error());
        placed->huge_pages = options.huge_pages;
        placed->lock = options.lock;
        places.push_back(std::move(*placed));
    }
    if (auto available = expectAvailable(requests, options); !available) return std::unexpected(available.error());
    return places;
}

}  // namespace

Result<MemoryRequest> parseMemoryRequest(std::string_view text) {
    const auto at = text.find('@');
    const auto size = parseSize(text.substr(0, at));
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return fail(ErrorCode::InvalidArgument, "a size of 0", "write 1GiB or 1GiB@cpu:0");
    MemoryRequest request{.size = *size, .node = {}};
    if (at == std::string_view::npos) return request;
    const std::string_view location = text.substr(at + 1);
    constexpr std::string_view kCpu = "cpu:";
    int node = -1;
    const char* const end = text.data() + text.size();
    if (location.starts_with(kCpu)) {
        const auto [next, error] = std::from_chars(location.data() + kCpu.size(), end, node);
        if (error != std::errc{} || next != end) node = -1;
    }
    if (node < 0) {
        return fail(ErrorCode::InvalidArgument, fmt::format("\"{}\" is no location", location),
                    "write 1GiB@cpu:0 for the memory of NUMA node 0");
    }
    request.node = node;
    return request;
}

Result<void> checkMemory(std::span<const MemoryRequest> requests, const MemoryOptions& options) {
    const auto places = plan(requests, options);
    return places ? Result<void>() : std::unexpected(places.error());
}

Result<std::vector<io::Buffer>> takeMemory(std::span<const MemoryRequest> requests, const MemoryOptions& options) {
    const auto places = plan(requests, options);
    if (!places) return std::unexpected(places.error());
    std::vector<io::Buffer> buffers;
    for (std::size_t i = 0; i < places->size() && !options.stop.stop_requested(); ++i) {
        auto buffer = io::Buffer::allocate(requests[i].size, (*places)[i]);
        if (!buffer) return std::unexpected(buffer.error());
        buffers.push_back(std::move(*buffer));
    }
    return buffers;
}

}  // namespace mc::control
