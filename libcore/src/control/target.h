#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "mc/engine.h"

#include "control/keep_alive.h"
#include "control/memory_request.h"
#include "control/served_memory.h"

namespace mc::control {

struct TargetOptions {
    std::string metadata_server;
    std::string server_name;
    std::string protocol;
    std::vector<MemoryRequest> memory;
    io::HugePages huge_pages = io::HugePages::Auto;
    bool lock = false;
    EngineOptions engine;
    std::chrono::nanoseconds keep_alive{};  ///< How often the published keys are looked after; 0: never.
    std::stop_token stop;
};

/// What a target tells about itself.
struct TargetStatus {
    std::string name;
    std::string host;  ///< As it is published, or as it was told where it is not.
    std::uint16_t rpc_port = 0;
    std::uint16_t data_port = 0;
    std::string protocol;
    std::string metadata_server;  ///< Without user and password.
    std::chrono::system_clock::time_point started;
    std::chrono::seconds uptime{};
    std::vector<ServedBuffer> buffers;
    TransportCounters counters;
    std::vector<PublishedKey> keys;
};

/// Memory that is served to other engines: the buffers and the engine that they are registered with. From any thread.
class Target {
  public:
    /// Takes all of the memory, then binds, then publishes. Where one of it fails, nothing remains. Null, and nothing
    /// published, where a stop was requested while the memory was taken.
    static Result<std::unique_ptr<Target>> open(const TargetOptions& options);
    ~Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    TransferEngine& engine() { return engine_; }
    std::string name() const { return engine_.localServerName(); }
    std::vector<ServedBuffer> buffers() const { return memory_.describe(); }

    /// Takes more memory, with huge pages and locked as the first, and serves it: all or none.
    Result<std::vector<ServedBuffer>> addMemory(std::span<const MemoryRequest> requests);
    /// Whether that could be done, as far as can be told without doing it.
    Result<void> checkMemory(std::span<const MemoryRequest> requests) const;
    /// Ends what peers do with the buffers, and gives their memory back: all or none.
    Result<std::vector<ServedBuffer>> removeMemory(const BufferChoice& choice);
    /// What that would remove.
    Result<std::vector<ServedBuffer>> findMemory(const BufferChoice& choice) const { return memory_.find(choice); }

    /// Asks the metadata store about the published keys, which may take its time.
    Result<TargetStatus> status() const;

  private:
    explicit Target(const TargetOptions& options);

    const std::string metadata_server_;
    const std::string protocol_;
    const MemoryOptions memory_options_;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    const std::chrono::steady_clock::time_point started_steady_ = std::chrono::steady_clock::now();
    ServedMemory memory_;  // Before the engine, which may touch it until it is gone.
    TransferEngine engine_;
    std::unique_ptr<KeepAlive> keep_alive_;  // Last: uses the engine.
};

}  // namespace mc::control
