#include "control/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/address.h"
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
Result<void> expectAvailable(const TargetOptions& options) {
    if (options.huge_pages == io::HugePages::TwoMiB || options.huge_pages == io::HugePages::OneGiB) return {};
    const auto available = io::availableMemory();
    if (!available) return {};
    std::uint64_t total = 0;
    bool overflow = false;
    for (const MemoryRequest& request : options.memory)
        overflow = __builtin_add_overflow(total, request.size, &total) || overflow;
    const std::uint64_t huge = options.huge_pages == io::HugePages::Auto ? io::freeHugePages(2 << 20).value_or(0) : 0;
    if (!overflow && total <= *available + huge) return {};
    return fail(ErrorCode::System,
                fmt::format("allocate {}: only {} MiB of memory are available",
                            overflow ? "more than 16 EiB" : formatSize(total), (*available + huge) >> 20),
                "use a smaller --memory, or see what else uses memory: free -h, and the limits of the control group");
}

Result<std::vector<io::Buffer>> allocate(const TargetOptions& options) {
    const auto nodes = io::numaNodes();
    std::vector<io::BufferOptions> places;
    for (const MemoryRequest& request : options.memory) {
        auto placed = place(request, nodes);
        if (!placed) return std::unexpected(placed.error());
        placed->huge_pages = options.huge_pages;
        placed->lock = options.lock;
        places.push_back(std::move(*placed));
    }
    if (auto available = expectAvailable(options); !available) return std::unexpected(available.error());
    std::vector<io::Buffer> buffers;
    for (std::size_t i = 0; i < places.size() && !options.stop.stop_requested(); ++i) {
        auto buffer = io::Buffer::allocate(options.memory[i].size, places[i]);
        if (!buffer) return std::unexpected(buffer.error());
        buffers.push_back(std::move(*buffer));
    }
    return buffers;
}

}  // namespace

std::string withoutSecrets(const std::string& uri) {
    const auto scheme = uri.find("://");
    const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
    const auto at = uri.substr(0, uri.find_first_of("/?", begin)).rfind('@');
    return at == std::string::npos || at < begin ? uri : uri.substr(0, begin) + uri.substr(at + 1);
}

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

Target::Target(const TargetOptions& options)
    : metadata_server_(withoutSecrets(options.metadata_server)), protocol_(options.protocol), engine_(options.engine) {}

Result<std::unique_ptr<Target>> Target::open(const TargetOptions& options) {
    if (options.memory.empty()) return fail(ErrorCode::InvalidArgument, "target: no memory to serve");
    std::unique_ptr<Target> target(new Target(options));
    auto buffers = allocate(options);
    if (!buffers) return std::unexpected(buffers.error());
    if (options.stop.stop_requested()) return nullptr;
    target->buffers_ = std::move(*buffers);
    TransferEngine& engine = target->engine_;
    // Before anybody can ask, so that the first descriptor that is published is the whole one.
    for (const io::Buffer& buffer : target->buffers_) {
        const auto memory = buffer.memory();
        if (auto added = engine.registerLocalMemory(memory.data(), memory.size(), buffer.location()); !added)
            return std::unexpected(added.error());
    }
    if (auto joined = engine.init(options.metadata_server, options.server_name); !joined)
        return std::unexpected(joined.error());
    if (auto installed = engine.installOrGetTransport(options.protocol); !installed)
        return std::unexpected(installed.error());
    return target;
}

Result<TargetStatus> Target::status() const {
    const auto address = parseHostPort(engine_.localIpAndPort());
    if (!address) return std::unexpected(address.error());
    const auto descriptor = engine_.segmentDescriptor(kLocalSegment);
    if (!descriptor) return std::unexpected(descriptor.error());
    TargetStatus status{
        .name = engine_.localServerName(),
        .host = address->host,
        .rpc_port = address->port.value_or(0),
        .data_port = static_cast<std::uint16_t>((*descriptor)->tcp_data_port),
        .protocol = protocol_,
        .metadata_server = metadata_server_,
        .started = started_,
        .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_steady_),
        .buffers = {},
        .counters = engine_.counters(),
        .keys = engine_.checkPublished()};
    for (const io::Buffer& buffer : buffers_) {
        status.buffers.push_back({.addr = reinterpret_cast<std::uint64_t>(buffer.memory().data()),
                                  .length = buffer.memory().size(),
                                  .location = buffer.location(),
                                  .page_size = buffer.pageSize(),
                                  .transparent = buffer.transparent(),
                                  .locked = buffer.locked()});
    }
    return status;
}

}  // namespace mc::control
