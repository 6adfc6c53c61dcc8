#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "mc/engine.h"

#include "control/file_request.h"
#include "control/keep_alive.h"
#include "control/memory_request.h"
#include "control/served_files.h"
#include "control/served_memory.h"

namespace mc::control {

struct TargetOptions {
    std::string metadata_server;
    std::string server_name;
    std::string protocol;
    std::vector<MemoryRequest> memory;
    io::HugePages huge_pages = io::HugePages::Auto;
    bool lock = false;
    std::vector<FileRequest> files;
    bool read_only = false;  ///< Files, those that are added later, too.
    bool force = false;      ///< Block devices even where they hold a file system or a partition table.
    std::string trid{};      ///< Where files are served: what TransferEngine::installTransport takes.
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
    std::vector<std::string> protocols;
    std::string metadata_server;  ///< Without user and password.
    std::chrono::system_clock::time_point started;
    std::chrono::seconds uptime{};
    std::vector<ServedBuffer> buffers;
    std::string files_segment;
    std::vector<ServedFile> files;
    std::optional<FileService> file_service;  ///< Where files are served; nothing before the first.
    TransportCounters counters;               ///< Of the memory.
    std::vector<PublishedKey> keys;
};

/// Memory and files that are served to other engines: the buffers, the files, and the engine that they are registered
/// with. Memory has the segment NAME; files have NAME-files beside memory, else NAME. From any thread.
class Target {
  public:
    /// Looks at the files and takes all of the memory, then binds, then publishes. Where one of it fails, nothing
    /// remains. Null, and nothing published, where a stop was requested while the memory was taken. InvalidArgument for
    /// both memory and files with P2PHANDSHAKE, which has room for one segment.
    static Result<std::unique_ptr<Target>> open(const TargetOptions& options);
    ~Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    TransferEngine& engine() { return engine_; }
    std::string name() const { return engine_.localServerName(); }
    std::vector<ServedBuffer> buffers() const { return memory_.describe(); }

    std::vector<ServedFile> files() const { return files_.describe(); }
    /// The segment that files have, or would have.
    std::string filesSegment() const;

    /// Takes more memory, with huge pages and locked as the first, and serves it: all or none.
    Result<std::vector<ServedBuffer>> addMemory(std::span<const MemoryRequest> requests);
    /// Whether that could be done, as far as can be told without doing it.
    Result<void> checkMemory(std::span<const MemoryRequest> requests) const;
    /// Ends what peers do with the buffers, and gives their memory back: all or none.
    Result<std::vector<ServedBuffer>> removeMemory(const BufferChoice& choice);
    /// What that would remove.
    Result<std::vector<ServedBuffer>> findMemory(const BufferChoice& choice) const { return memory_.find(choice); }

    /// Serves more files, read-only as the first: all or none. `force`: as TargetOptions::force.
    Result<std::vector<ServedFile>> addFiles(std::span<const FileRequest> requests, bool force);
    /// Whether that could be done, as far as can be told without doing it.
    Result<void> checkFiles(std::span<const FileRequest> requests, bool force) const;
    /// Ends what hosts do with the files: all or none. The last one may go, and its segment with it.
    Result<std::vector<ServedFile>> removeFiles(const FileChoice& choice);
    /// What that would remove.
    Result<std::vector<ServedFile>> findFiles(const FileChoice& choice) const { return files_.find(choice); }

    /// Asks the metadata store about the published keys, which may take its time.
    Result<TargetStatus> status() const;

  private:
    explicit Target(const TargetOptions& options);
    Result<void> openEngine(const TargetOptions& options);
    Result<std::uint16_t> dataPort() const;
    Result<void> expectMemory() const;
    Result<void> expectRoomForFiles() const;
    Result<void> expectBackend() const;
    FileOptions fileOptions(bool force) const;

    const std::string metadata_server_;
    const std::string protocol_;
    const bool has_memory_;  // Which then owns NAME.
    const MemoryOptions memory_options_;
    const bool read_only_;
    const std::string trid_;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    const std::chrono::steady_clock::time_point started_steady_ = std::chrono::steady_clock::now();
    ServedMemory memory_;  // Before the engine, which may touch it until it is gone.
    TransferEngine engine_;
    ServedFiles files_;
    Transport* memory_transport_ = nullptr;  // Null without memory.
    std::unique_ptr<KeepAlive> keep_alive_;  // Last: uses the engine.
};

}  // namespace mc::control
