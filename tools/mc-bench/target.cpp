#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/address.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "io/socket_address.h"
#include "mc-bench/modes.h"

namespace mc::bench {
namespace {

// What whoever waits for the target needs to know.
struct Ready {
    std::string segment, host;
    std::uint16_t port = 0;
    int data_port = 0;
    std::vector<MemoryBuffer> buffers;
};

Result<Ready> describe(Side& side) {
    const auto address = parseHostPort(side.engine().localIpAndPort());
    if (!address) return std::unexpected(address.error());
    const auto descriptor = side.engine().segmentDescriptor(kLocalSegment);
    if (!descriptor) return std::unexpected(descriptor.error());
    return Ready{.segment = side.engine().localServerName(),
                 .host = address->host,
                 .port = address->port.value_or(0),
                 .data_port = (*descriptor)->tcp_data_port,
                 .buffers = (*descriptor)->buffers};
}

std::string readyDocument(const Ready& ready, const Side& side) {
    using Json = nlohmann::ordered_json;
    Json buffers = Json::array();
    for (std::size_t i = 0; i < ready.buffers.size(); ++i) {
        buffers.push_back({{"addr", ready.buffers[i].addr},
                           {"length_bytes", ready.buffers[i].length},
                           {"location", side.buffers()[i].location()}});
    }
    const Json document{{"schema_version", 1}, {"segment", ready.segment},     {"host", ready.host},
                        {"port", ready.port},  {"data_port", ready.data_port}, {"buffers", buffers},
                        {"pid", ::getpid()}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string readyLine(const Ready& ready) {
    return fmt::format("ready: segment {}, data port {}, {} x {}, pid {}\n", ready.segment, ready.data_port,
                       ready.buffers.size(), formatSize(ready.buffers.empty() ? 0 : ready.buffers.front().length),
                       ::getpid());
}

bool isLoopback(const std::string& host) {
    const auto addresses = io::resolve(host, 0);
    return addresses && !addresses->empty() &&
           (addresses->front().host() == "::1" || addresses->front().host().starts_with("127."));
}

// What an initiator must be told to fit into the buffers that this workload has sized.
std::string loadFlags(const Workload& workload) {
    const Workload usual;
    std::string flags;
    const auto add = [&flags](const char* name, const auto& values, const auto& usual_values, auto format) {
        if (values == usual_values) return;
        std::vector<std::string> items;
        items.reserve(values.size());
        for (const auto value : values)
            items.push_back(format(value));
        flags += fmt::format(" --{}={}", name, fmt::join(items, ","));
    };
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    add("block_size", workload.block_sizes, usual.block_sizes, formatSize);
    add("batch_size", workload.batch_sizes, usual.batch_sizes, number);
    add("threads", workload.threads, usual.threads, number);
    return flags;
}

void adviseUser(const Settings& settings, const Ready& ready) {
    const auto& told = settings.engine.bind_address;
    const auto name = parseHostPort(settings.local_server_name);
    const std::string bound = !told.empty() ? told : name ? name->host : ready.host;
    if (!isLoopback(bound)) {
        fmt::print(stderr,
                   "warning: {} is served without authentication: whoever reaches it can read and write the registered "
                   "memory\n",
                   bound);
    }
    if (settings.buffer_raised) {
        fmt::print(stderr, "note: --buffer_size is raised to {}, which block_size * batch_size * threads needs\n",
                   formatSize(settings.buffer_size));
    }
    // A shell takes the brackets of an IPv6 address for a pattern.
    const std::string quote = ready.segment.contains('[') ? "'" : "";
    const std::string server = settings.metadata_server == "P2PHANDSHAKE"
                                   ? ""
                                   : fmt::format("--metadata_server={} ", withoutCredentials(settings.metadata_server));
    fmt::print(stderr, "start the initiator with:\n  mc-bench --mode=initiator {}--segment_id={}{}{}{}\n", server,
               quote, ready.segment, quote, loadFlags(settings.workload));
}

}  // namespace

Result<ExitCode> runTarget(const Settings& settings, tools::StopSignals& stop) {
    auto buffers = Side::allocate(settings.buffer_size);
    if (!buffers) return std::unexpected(buffers.error());
    auto side = Side::open(settings, settings.local_server_name);
    if (!side) return std::unexpected(side.error());
    if (auto added = (*side)->addMemory(std::move(*buffers), true); !added) return std::unexpected(added.error());
    const auto ready = describe(**side);
    if (!ready) return std::unexpected(ready.error());
    if (!settings.quiet) adviseUser(settings, *ready);
    const bool json = settings.format == Format::Json;
    if (auto printed = tools::writeData(json ? readyDocument(*ready, **side) : readyLine(*ready)); !printed) {
        return std::unexpected(printed.error());
    }
    stop.wait();
    if (!settings.quiet) fmt::print(stderr, "stopping\n");
    return ExitCode::Ok;
}

}  // namespace mc::bench
