#include "common/serving.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/text.h"
#include "base/units.h"
#include "common/shell.h"
#include "io/socket_address.h"
#include "metadata/open_store.h"

namespace mc::tools {
namespace {

bool isLoopback(const std::string& host) {
    const auto addresses = io::resolve(host, 0);
    return addresses && !addresses->empty() &&
           (addresses->front().host() == "::1" || addresses->front().host().starts_with("127."));
}

// What an initiator must be told to ask for this workload.
std::string loadFlags(const bench::Workload& workload) {
    const bench::Workload usual;
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
    if (workload.batches_in_flight != usual.batches_in_flight)
        flags += fmt::format(" --batches-in-flight={}", workload.batches_in_flight);
    return flags;
}

// Where the segment is found.
std::string storeFlags(const std::string& metadata_server, const EngineOptions& options) {
    std::string flags;
    if (!metadata::isP2pHandshake(metadata_server))
        flags += fmt::format(" --metadata_server={}", shellQuoted(withoutCredentials(metadata_server)));
    if (!options.metadata_cluster_id.empty())
        flags += fmt::format(" --cluster_id={}", shellQuoted(options.metadata_cluster_id));
    return flags;
}

}  // namespace

Result<Serving> describeServing(const TransferEngine& engine) {
    const auto address = parseHostPort(engine.localIpAndPort());
    if (!address) return std::unexpected(address.error());
    const auto descriptor = engine.segmentDescriptor(kLocalSegment);
    if (!descriptor) return std::unexpected(descriptor.error());
    return Serving{.segment = engine.localServerName(),
                   .host = address->host,
                   .rpc_port = address->port.value_or(0),
                   .data_port = (*descriptor)->tcp_data_port,
                   .buffers = (*descriptor)->buffers,
                   .files = (*descriptor)->file_buffers,
                   .files_at = (*descriptor)->nvme_trid.value_or(NvmeTransportId{})};
}

void warnIfReachable(const std::string& bound) {
    if (isLoopback(bound)) return;
    fmt::print(stderr,
               "warning: {} is served without authentication: whoever reaches it can read and write the registered "
               "memory\n",
               bound);
}

std::string boundHost(const EngineOptions& options, const std::string& server_name, const std::string& published_host) {
    if (!options.bind_address.empty()) return options.bind_address;
    const auto name = parseHostPort(server_name);
    return name ? name->host : published_host;
}

bench::Workload fittingWorkload(std::uint64_t buffer_size) {
    bench::Workload workload;
    const auto fits = [&] {
        return std::uint64_t{workload.block_sizes.front()} * workload.batch_sizes.front() * workload.threads.front() <=
               buffer_size;
    };
    for (const std::uint32_t threads : {4U, 1U}) {
        if (!fits()) workload.threads = {threads};
    }
    for (const std::uint32_t batch : {16U, 1U}) {
        if (!fits()) workload.batch_sizes = {batch};
    }
    for (const std::uint64_t block : {4096ULL, 64ULL, 1ULL}) {
        if (!fits()) workload.block_sizes = {block};
    }
    return workload;
}

std::string initiatorCommand(const Serving& serving, const std::string& metadata_server, const EngineOptions& options,
                             const bench::Workload& workload) {
    return fmt::format("mc-bench --mode=initiator{} --segment_id={}{}", storeFlags(metadata_server, options),
                       shellQuoted(serving.segment), loadFlags(workload));
}

std::string mountCommand(const std::string& segment, const std::string& metadata_server, const EngineOptions& options) {
    return fmt::format("mc-mount add{} {} DIR", storeFlags(metadata_server, options), shellQuoted(segment));
}

}  // namespace mc::tools
