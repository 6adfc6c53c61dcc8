#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mc/engine.h"
#include "mc/engine_options.h"
#include "mc/error.h"
#include "mc/segment.h"

#include "nvme/target/target.h"
#include "transport/nvmeof/file_opening.h"

namespace mc::nvmeof {

/// A file as a namespace of the subsystem.
struct FileToServe {
    FileBufferID id = 0;
    std::string path;  ///< As it was named.
    OpenedFile opened;
    std::array<std::uint8_t, 16> nguid{};  ///< What hosts recognise it by, whoever serves it.
    std::array<std::uint8_t, 16> uuid{};
};

/// What serves files as namespaces of one subsystem. From any thread.
class FileTarget {
  public:
    FileTarget() = default;
    FileTarget(const FileTarget&) = delete;
    FileTarget& operator=(const FileTarget&) = delete;
    /// Nobody reaches anything of it any more when it returns.
    virtual ~FileTarget() = default;

    /// Errors name the file.
    virtual Result<void> add(FileToServe file) = 0;
    /// Returns when no host can reach the file any more.
    virtual Result<void> remove(FileBufferID id) = 0;
    virtual std::uint16_t port() const = 0;
    /// Adds what it knows of hosts, and what was served.
    virtual void describe(FileService& service) const = 0;
    virtual void count(TransportCounters& counters) const = 0;
};

/// The target of this process, over TCP. `advertised_host`: for its discovery log; empty: what a host has reached.
/// Hosts get in once all of the files are there.
Result<std::unique_ptr<FileTarget>> startUserTarget(const NvmeTransportId& where,
                                                    const nvme::SubsystemOptions& subsystem,
                                                    const NvmeofOptions& options, const std::string& advertised_host,
                                                    std::vector<FileToServe> files);

/// The kernel's, over TCP or RDMA. The same of its hosts.
Result<std::unique_ptr<FileTarget>> startKernelTarget(const NvmeTransportId& where,
                                                      const nvme::SubsystemOptions& subsystem,
                                                      const NvmeofOptions& options, std::vector<FileToServe> files);

}  // namespace mc::nvmeof
