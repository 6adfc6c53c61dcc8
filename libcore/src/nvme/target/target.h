#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"
#include "mc/file_host_load.h"

#include "base/fd.h"
#include "io/block_device.h"
#include "io/block_queue.h"

namespace mc::nvme {

/// A device under a number that hosts see.
struct NamespaceOptions {
    std::uint32_t nsid = 0;  ///< From 1.
    std::shared_ptr<io::BlockDevice> device;
    std::array<std::uint8_t, 16> nguid{};  ///< What hosts recognise it by; the same after a restart.
    std::array<std::uint8_t, 16> uuid{};
};

/// A host that may connect, and how it proves who it is. Keys are "DHHC-1:..." texts, as nvme-cli makes them.
struct AllowedHost {
    std::string nqn;
    std::string key;             ///< Its secret; empty: it is believed.
    std::string controller_key;  ///< Ours, where the host asks for it; empty: none.
};

struct SubsystemOptions {
    std::string nqn;
    std::string serial;  ///< At most 20 ASCII characters; the same after a restart.
    std::string model = "mc-target";
    bool allow_any_host = true;
    std::vector<AllowedHost> hosts;  ///< Where not any host may connect.
};

/// Another place that the discovery log tells of.
struct Referral {
    std::string traddr;
    std::string trsvcid;
};

struct TargetOptions {
    int threads = 2;                    ///< Loops, over which connections are spread.
    std::string congestion = "auto";    ///< As TcpOptions::congestion.
    std::uint16_t max_io_queues = 64;   ///< For each controller.
    std::uint16_t queue_entries = 128;  ///< CAP.MQES, plus one.
    std::uint32_t in_capsule_bytes = 8192;
    std::uint32_t max_transfer_bytes = 1U << 20;  ///< MDTS; a power of two of 4 KiB.
    std::size_t max_connections = 4096;           ///< Further ones are closed.
    std::size_t max_controllers = 1024;
    std::chrono::milliseconds connect_timeout{10000};  ///< From accept to the end of Connect.
    /// A host that stops within a PDU, or does not read its answers, is disconnected.
    std::chrono::milliseconds stall_timeout{60000};
    /// For how long the removal of a namespace waits for its device.
    std::chrono::milliseconds removal_timeout{10000};
    /// For how long a loop is waited for that is told of a change, and one that is asked by controllers(). One that
    /// something holds up for longer, as a disk may, hears of it later.
    std::chrono::milliseconds change_timeout{5000};
    std::chrono::milliseconds status_timeout{1000};
    std::vector<Referral> referrals;
    /// What the discovery log tells; empty: where the host that asks has connected to.
    std::string advertised_address;
    io::BlockQueueOptions blocks;
};

/// One connected host's controller, as it is told to users.
struct ControllerStatus {
    std::uint16_t id = 0;
    std::string host_nqn;
    std::string address;  ///< Of the admin queue's peer.
    std::string subsystem_nqn;
    std::uint32_t io_queues = 0;
    bool authenticated = false;
    bool header_digest = false;
    bool data_digest = false;
    std::chrono::seconds connected{};
    /// Nothing where a loop that has one of its connections did not answer in time.
    std::optional<FileHostLoad> load;
};

struct TargetCounters {
    std::uint64_t bytes_read = 0;     ///< By hosts.
    std::uint64_t bytes_written = 0;  ///< By hosts.
    std::uint64_t commands = 0;
    std::uint64_t failed_commands = 0;
    std::uint64_t connections = 0;  ///< Open now.
    std::uint64_t connections_refused = 0;
    std::uint64_t protocol_errors = 0;  ///< Connections ended for one.
};

/// Serves block devices as NVMe namespaces over TCP, without the kernel's help: I/O controllers of its subsystems, and
/// a discovery controller. From any thread.
class Target {
  public:
    /// Serves on `listener`; the discovery log tells each host the address that it has reached. Empty of subsystems at
    /// first. InvalidArgument for options that no host could work with.
    static Result<std::unique_ptr<Target>> start(FileDescriptor listener, const TargetOptions& options);
    /// The same, but hosts that come wait until `accept`: none that knew its namespaces sees only some of them.
    static Result<std::unique_ptr<Target>> prepare(FileDescriptor listener, const TargetOptions& options);
    /// Lets hosts in. Called once.
    Result<void> accept();
    /// Ends every connection; all I/O has ended when it returns.
    ~Target();
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    std::uint16_t port() const;

    /// AlreadyExists, InvalidArgument for an NQN or a key that is none.
    Result<void> addSubsystem(const SubsystemOptions& options);
    /// As removeNamespace, of all its namespaces.
    Result<void> removeSubsystem(const std::string& nqn);
    /// Connected hosts are told by an asynchronous event. Numbers are 1 to 1024. AlreadyExists for a number or a device
    /// that is there.
    Result<void> addNamespace(const std::string& nqn, const NamespaceOptions& options);
    /// Returns when no command touches the device any more; hosts are told. Connections whose peer does not do its part
    /// of a command within two seconds are ended. TimedOut where the device does not answer: hosts can't reach it any
    /// more, and it is given up when it does. Nobody else waits meanwhile.
    Result<void> removeNamespace(const std::string& nqn, std::uint32_t nsid);

    /// Asks the loops: not for a hot path.
    std::vector<ControllerStatus> controllers() const;
    TargetCounters counters() const;

  private:
    struct Impl;
    explicit Target(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mc::nvme
