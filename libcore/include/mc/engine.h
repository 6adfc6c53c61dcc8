#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/engine_options.h"
#include "mc/error.h"
#include "mc/file_host_load.h"
#include "mc/segment.h"
#include "mc/transfer.h"

namespace mc {

class Transport;
namespace metadata {
class Store;
}

/// A short message from another engine.
struct Notification {
    std::string name;
    std::string message;
};

/// What a segment's owner has shown on this engine's connections to it. Nothing before the first request.
struct PeerInfo {
    int protocol_version = 0;        ///< tcp: 1 or 2 as it is spoken, which may be less than was published.
    bool keeps_connections = false;  ///< It answers more than one request on a connection.
    std::string congestion_control;  ///< Of the latest connection, as the kernel says.
    /// Why it does not let this engine in, where it has said so for good, or why a file of it is not used any more.
    std::optional<Error> refusal;
    /// Why requests fail: by what the latest connection was lost, or what the segment's file answered; nothing once
    /// there is a connection again.
    std::optional<Error> problem;
    std::string initiator;                      ///< nvmeof_generic: "user" or "kernel", by which its files are reached.
    bool page_cache = false;                    ///< They are read and written through this machine's page cache.
    std::vector<FileBufferID> read_only_files;  ///< nvmeof_generic: in ascending order, as its target says.
};

/// What went through an engine's transports since they were installed.
struct TransportCounters {
    std::uint64_t bytes_read = 0;           ///< By this side as initiator.
    std::uint64_t bytes_written = 0;        ///< By this side as initiator.
    std::uint64_t bytes_served = 0;         ///< Both directions, as target.
    std::uint64_t requests_served = 0;      ///< Accepted, as target.
    std::uint64_t requests_rejected = 0;    ///< Outside of what is registered, as target.
    std::uint64_t connections = 0;          ///< Open now, both roles.
    std::uint64_t connections_served = 0;   ///< Open now, as target.
    std::uint64_t connections_refused = 0;  ///< There were as many as are allowed, as target.
};

/// A key that an engine has put into its metadata store, and what became of it.
struct PublishedKey {
    enum class State {
        Ours,      ///< As it was put.
        Replaced,  ///< Somebody else has written it since.
        Missing,   ///< It was removed, or the store has lost it.
        Unknown,   ///< The store can't be asked.
    };
    std::string key;
    State state = State::Unknown;
    std::string problem;  ///< Unknown: why.
};

/// A range of local memory, for the batch forms of registration.
struct BufferEntry {
    void* addr = nullptr;
    std::size_t length = 0;
};

/// A host that uses the files that an engine serves: one of its controllers.
struct FileHost {
    std::string nqn;
    std::string address;           ///< Of its admin queue: "10.0.0.3:40312".
    std::uint16_t controller = 0;  ///< The controller's number.
    std::uint32_t io_queues = 0;
    bool authenticated = false;
    bool header_digest = false;
    bool data_digest = false;
    std::chrono::seconds connected{};
    std::optional<FileHostLoad> load;  ///< Nothing where a thread that serves it is held up, as by a disk.
};

/// Where an engine serves files, to whom, and how much.
struct FileService {
    NvmeTransportId trid;   ///< As it is published.
    NvmeTransportId bound;  ///< The same, but for EngineOptions::advertise_address.
    std::vector<FileHost> hosts;
    std::uint64_t bytes_read = 0;     ///< By hosts.
    std::uint64_t bytes_written = 0;  ///< By hosts.
    std::uint64_t commands = 0;
    std::uint64_t failed_commands = 0;
    std::uint64_t connections = 0;          ///< Open now.
    std::uint64_t connections_refused = 0;  ///< There were as many as are allowed.
    std::uint64_t protocol_errors = 0;      ///< Connections that were ended for one.
    /// Kernel: neither hosts nor what was served is known; of these only `connections` is not 0, with TCP.
    NvmeofBackend backend = NvmeofBackend::User;
};

/// How a local file is served.
struct LocalFileOptions {
    std::uint64_t size = 0;  ///< Bytes to offer, from its beginning; 0: all of it.
    bool read_only = false;
    bool force = false;   ///< A block device even where it holds a file system or a partition table.
    FileBufferID id = 0;  ///< The number that it gets, such as that of an earlier run; 0: one above the highest so far.
};

/// A file, for the batch form of registration.
struct FileEntry {
    std::string path;
    LocalFileOptions options;
};

/// Moves bytes between registered local memory and the segments of other engines, in batches, asynchronously.
///
/// All members may be called from any thread. submitTransfer, waitBatch and getTransferStatus of different batches
/// run concurrently without locks; one batch belongs to one thread at a time.
class TransferEngine {
  public:
    explicit TransferEngine(EngineOptions options = {});
    /// Ends what runs, then removes what was published.
    ~TransferEngine();
    TransferEngine(const TransferEngine&) = delete;
    TransferEngine& operator=(const TransferEngine&) = delete;

    /// Joins a cluster. `metadata_server`: "P2PHANDSHAKE", "http://host:8080/metadata", "https://...", "memory:".
    /// `server_name`: "host[:port]"; its host is what is bound and advertised, its port that of the handshake daemon, 0
    /// or none for one of the configured range.
    /// `connectable_name` and `rpc_port`, where given, override the two. A second call is refused with Busy.
    Result<void> init(const std::string& metadata_server, const std::string& server_name,
                      const std::string& connectable_name = "", std::uint16_t rpc_port = 0);
    /// The same over a store that the caller opened (and may share between engines).
    Result<void> init(std::shared_ptr<metadata::Store> store, const std::string& server_name,
                      const std::string& connectable_name = "", std::uint16_t rpc_port = 0);

    /// The name under which peers open this engine's segment; in P2PHANDSHAKE mode "host:port" as bound.
    std::string localServerName() const;
    /// Where the handshake daemon answers.
    std::string localIpAndPort() const;

    /// Installs the transport for `protocol` ("tcp", "nvmeof_generic", or "nvmeof" for files that this machine has
    /// mounted); AlreadyExists if it is there. `argument`:
    /// nvmeof_generic: where the files of this engine are served, "trtype=tcp adrfam=ipv4 traddr=10.0.0.2
    /// trsvcid=4420"; empty: it serves none, and only reaches those of others. NvmeofOptions::backend says by whom; the
    /// kernel's target has trtype=rdma, too.
    Result<Transport*> installTransport(std::string_view protocol, std::string_view argument = {});
    /// Installs a transport of the caller's own.
    Result<Transport*> installTransport(std::unique_ptr<Transport> transport);
    Result<Transport*> installOrGetTransport(std::string_view protocol, std::string_view argument = {});
    /// Busy while requests run on it.
    Result<void> uninstallTransport(std::string_view protocol);

    /// Makes [addr, addr+length) usable as a source and, if `remote_accessible`, readable and writable for peers.
    /// The range must not overlap a registered one. Every installed transport registers it, later ones too.
    Result<void> registerLocalMemory(void* addr, std::size_t length, std::string_view location = "*",
                                     bool remote_accessible = true);
    /// Returns when no peer can touch the range any more. The caller's own requests on it must have ended.
    Result<void> unregisterLocalMemory(void* addr);
    /// All or nothing; published once.
    Result<void> registerLocalMemoryBatch(std::span<const BufferEntry> buffers, std::string_view location = "*");
    Result<void> unregisterLocalMemoryBatch(std::span<void* const> addrs);
    /// Takes the ranges out of what is published; who looks the segment up from now on does not find them, who has
    /// found them can use them until they are unregistered. All or nothing: on an error they are published as before.
    Result<void> withdrawLocalMemory(std::span<void* const> addrs);

    /// Serves a regular file or a block device, as a segment of its own kind, through the first installed transport
    /// that has files. Peers write to it: what it holds is theirs. AlreadyExists for a path or a number that is served;
    /// Unsupported without such a transport. The number under which requests name the file.
    Result<FileBufferID> registerLocalFile(const std::string& path, const LocalFileOptions& options = {});
    /// All or nothing; published once. Where nothing is served yet, no peer is let in before all of them are there: one
    /// that comes back to a target that starts again finds every file that it knew. Their numbers, in the same order.
    Result<std::vector<FileBufferID>> registerLocalFileBatch(std::span<const FileEntry> files);
    /// Returns when no peer can touch the file any more.
    Result<void> unregisterLocalFile(const std::string& path);
    /// Nothing where no transport serves files.
    std::optional<FileService> fileService() const;

    /// Looks the segment up. The same name gives the same handle.
    Result<SegmentHandle> openSegment(std::string_view segment_name);
    Result<void> closeSegment(SegmentHandle handle);
    /// What the segment published when it was last looked up.
    Result<std::shared_ptr<const SegmentDescriptor>> segmentDescriptor(SegmentHandle handle) const;
    Result<PeerInfo> peerInfo(SegmentHandle handle) const;
    /// Looks all open segments up again.
    Result<void> syncSegmentCache();

    /// Room for `batch_size` requests.
    Result<BatchID> allocateBatchID(std::size_t batch_size);
    /// Appends requests. On an error nothing of `entries` was submitted; what is wrong with a single request is told
    /// by its status instead (INVALID).
    Result<void> submitTransfer(BatchID batch, std::span<const TransferRequest> entries);
    Result<TransferStatus> getTransferStatus(BatchID batch, std::size_t task) const;
    /// Sleeps until every submitted request has ended, however it ended. TimedOut leaves them running.
    Result<void> waitBatch(BatchID batch, std::optional<std::chrono::nanoseconds> timeout = std::nullopt);
    /// Busy while requests run. The number may be used again afterwards.
    Result<void> freeBatchID(BatchID batch);

    /// Sends a short message to a segment's owner.
    Result<void> sendNotification(SegmentHandle target, const Notification& notification);
    /// Takes the messages that arrived since the last call; at most EngineOptions::max_notifications and
    /// 16 MiB are kept.
    std::vector<Notification> takeNotifications();

    /// Whatever waits for another engine's answer (openSegment, sendNotification) gives up, now and from now on, with
    /// Unavailable. Transfers go on. For a program that is told to stop; from any thread.
    void stopWaiting();

    TransportCounters counters() const;
    /// Asks the metadata store; empty without one.
    std::vector<PublishedKey> checkPublished() const;
    /// Publishes again what the store has lost, and what it could not be told before; never over somebody else's value:
    /// AlreadyExists, and nothing is published. The keys that were missing.
    Result<std::vector<std::string>> restorePublished();
    const EngineOptions& options() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mc
