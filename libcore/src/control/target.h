#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mc/engine.h"

#include "io/memory_buffer.h"

namespace mc::control {

/// Memory to serve: on one NUMA node, or spread over all.
struct MemoryRequest {
    std::uint64_t size = 0;
    std::optional<int> node;
};

/// "1GiB", "1GiB@cpu:0". InvalidArgument says what is wrong.
Result<MemoryRequest> parseMemoryRequest(std::string_view text);

/// A store's URI without what stands between "://" and "@", which may be a password.
std::string withoutSecrets(const std::string& uri);

struct TargetOptions {
    std::string metadata_server;
    std::string server_name;
    std::string protocol;
    std::vector<MemoryRequest> memory;
    io::HugePages huge_pages = io::HugePages::Auto;
    bool lock = false;
    EngineOptions engine;
    std::stop_token stop;
};

/// What a target tells about itself.
struct TargetStatus {
    struct Memory {
        std::uint64_t addr = 0;
        std::uint64_t length = 0;
        std::string location;
        std::uint64_t page_size = 0;
        bool transparent = false;
        bool locked = false;
    };
    std::string name;
    std::string host;  ///< As it is published, or as it was told where it is not.
    std::uint16_t rpc_port = 0;
    std::uint16_t data_port = 0;
    std::string protocol;
    std::string metadata_server;  ///< Without user and password.
    std::chrono::system_clock::time_point started;
    std::chrono::seconds uptime{};
    std::vector<Memory> buffers;
    TransportCounters counters;
    std::vector<PublishedKey> keys;
};

/// Memory that is served to other engines: the buffers and the engine that they are registered with.
class Target {
  public:
    /// Takes all of the memory, then binds, then publishes. Where one of it fails, nothing remains. Null, and nothing
    /// published, where a stop was requested while the memory was taken.
    static Result<std::unique_ptr<Target>> open(const TargetOptions& options);
    ~Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    TransferEngine& engine() { return engine_; }
    const std::vector<io::Buffer>& buffers() const { return buffers_; }
    /// Asks the metadata store about the published keys, which may take its time.
    Result<TargetStatus> status() const;

  private:
    explicit Target(const TargetOptions& options);

    const std::string metadata_server_;
    const std::string protocol_;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    const std::chrono::steady_clock::time_point started_steady_ = std::chrono::steady_clock::now();
    std::vector<io::Buffer> buffers_;  // Before the engine, which may touch them until it is gone.
    TransferEngine engine_;
};

}  // namespace mc::control
