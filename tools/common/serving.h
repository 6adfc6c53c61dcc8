#pragma once

#include <cstdint>
#include <string>

#include "mc/engine.h"
#include "mc/error.h"

#include "bench/workload.h"

namespace mc::tools {

/// Where an engine serves its segment.
struct Serving {
    std::string segment;
    std::string host;
    std::uint16_t rpc_port = 0;
    int data_port = 0;
    std::vector<MemoryBuffer> buffers;
    std::vector<FileBuffer> files;
    NvmeTransportId files_at;  ///< Where there are files.
};

Result<Serving> describeServing(const TransferEngine& engine);

/// Says on standard error that whoever reaches `bound`, an address that is not loopback, can read and write.
void warnIfReachable(const std::string& bound);

/// The address that an engine with these options binds: what it was told, or the host of its name.
std::string boundHost(const EngineOptions& options, const std::string& server_name, const std::string& published_host);

/// The largest of a few workloads for which a buffer of this size has room; the usual one where it has.
bench::Workload fittingWorkload(std::uint64_t buffer_size);

/// The command that mounts a segment of files; DIR is left to whoever pastes it.
std::string mountCommand(const std::string& segment, const std::string& metadata_server, const EngineOptions& options);

/// The command of an initiator for the segment, ready to be pasted into a shell.
std::string initiatorCommand(const Serving& serving, const std::string& metadata_server, const EngineOptions& options,
                             const bench::Workload& workload);

}  // namespace mc::tools
