#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mc/error.h"

namespace mc {

/// A range of TCP ports to draw from, both ends included.
struct PortRange {
    std::uint16_t first = 15000;
    std::uint16_t last = 17000;
};

/// How the tcp transport behaves. The comment names the environment variable, the unit and the default's source.
struct TcpOptions {
    int threads = 4;               ///< Server loops, 1..256; as many as a peer's connections, also on fewer CPUs.
    int connections_per_peer = 4;  ///< Client loops, each with one connection per peer (MC_TCP_LANES_PER_PEER, 1..16).
    int protocol_version = 2;      ///< 1: never ask for acknowledgements as a client (MC_TCP_PROTO).
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds status_timeout{30000};  ///< Without any progress (MC_TCP_STATUS_TIMEOUT_SEC).
    std::string congestion = "auto";                  ///< auto, system, or a name the kernel knows.
    std::uint16_t data_port = 0;                      ///< 0: one of the port range.
    std::size_t max_connections = 4096;               ///< Accepted at once; further ones are closed.
    /// A peer that stops in the middle of a request, or does not read its answer, is closed after this; 0: never.
    std::chrono::milliseconds stall_timeout{60000};
    std::chrono::milliseconds idle_timeout{0};  ///< The same for one that asks for nothing; 0: never.
};

/// Who serves files over NVMe-oF.
enum class NvmeofBackend : std::uint8_t {
    Auto,    ///< This process, but what only the kernel has (RDMA) the kernel.
    User,    ///< This process.
    Kernel,  ///< The kernel's target (nvmet), through configfs.
};

/// A host that may connect to the files that an engine serves, and how both prove who they are. Keys are texts as
/// nvme-cli makes them, "DHHC-1:...".
struct NvmeofHost {
    std::string nqn;
    std::string key;             ///< Its secret; empty: it is believed.
    std::string controller_key;  ///< The engine's, for a host that asks for it; empty: none.
};

/// Through what an engine reaches the files of others.
enum class NvmeofInitiator {
    User,    ///< Its own NVMe/TCP hosts.
    Kernel,  ///< The kernel's NVMe host, over TCP or RDMA.
    Auto,    ///< Its own, and the kernel's for what they can't reach: RDMA.
};

/// How the nvmeof_generic transport behaves.
struct NvmeofOptions {
    bool direct_io = false;  ///< Files that this engine serves, past the page cache (MC_NVMEOF_GENERIC_DIRECT_IO).
    NvmeofInitiator initiator = NvmeofInitiator::User;  ///< MC_NVMEOF_GENERIC_INITIATOR.
    /// Through the kernel, read and write in this machine's page cache: what is written is not yet at the target, and
    /// what is read may be older than what others have written. Else past it, always.
    bool initiator_page_cache = false;
    /// Client loops, each with its own controller at each peer (MC_NVMEOF_GENERIC_NUM_WORKERS).
    int workers = 8;
    int threads = 4;                              ///< Server loops.
    NvmeofBackend backend = NvmeofBackend::Auto;  ///< Who serves files.
    std::string backend_option = "--backend";     ///< What a program's user says that with, for the hints of errors.
    std::string port_option = "--trsvcid";        ///< The same, of the port.
    /// The same, of the keys of `self`; with the file that was named, so that a hint tells which one it is.
    std::string host_key_option = "--nvmeof-host-key";
    std::string controller_key_option = "--nvmeof-controller-key";
    std::string nqn;                ///< Of the served subsystem; empty: nqn.2016-06.io.mc:NAME.
    std::vector<NvmeofHost> hosts;  ///< Only these may connect to it; empty: any may.
    NvmeofHost self{};  ///< As a client: who this is, and its key; `controller_key`: what targets must prove to have.
    std::string congestion = "auto";  ///< As TcpOptions::congestion.
    bool header_digest = false;       ///< Asked for as a client.
    bool data_digest = false;
    std::uint16_t queue_entries = 128;              ///< Requests under way at once, of each client loop at each peer.
    std::chrono::milliseconds loss_timeout{30000};  ///< So long a client tries to reconnect before requests fail.
};

/// How a metadata server is talked to. Each has a variable, such as MC_METADATA_TIMEOUT.
struct MetadataOptions {
    std::chrono::milliseconds connect_timeout{1500};
    std::chrono::milliseconds timeout{3000};  ///< Of one request, connecting included.
    std::uint64_t max_value = 64ULL << 20;    ///< Bytes of a value; a longer one is an error.
    std::string redis_username;               ///< MC_REDIS_USERNAME: of a Redis server, where `username` is empty.
    std::string redis_password;               ///< MC_REDIS_PASSWORD: the same for `password`.
    std::string proxy;                        ///< Empty: none; http_proxy and its like don't count.
    std::string ca_file;                      ///< PEM file of whom to trust with https; empty: the system's.
    std::string username;                     ///< Of the metadata store.
    std::string password;
    std::string cert_file;  ///< PEM file of the client's certificate, for TLS.
    std::string key_file;   ///< PEM file of its key.
    int redis_db = 0;
};

/// Whose name in a metadata store an engine may take.
enum class TakeOver {
    Dead,    ///< Nobody's, or that of an owner that doesn't live any more.
    Never,   ///< Nobody's.
    Always,  ///< Anybody's.
};

/// Everything that can be set about an engine. Defaults are those of Mooncake's releases.
struct EngineOptions {
    TcpOptions tcp;
    NvmeofOptions nvmeof;
    MetadataOptions metadata;
    PortRange port_range;                                       ///< MC_MIN_RPC_PORT, MC_MAX_RPC_PORT.
    std::uint16_t default_handshake_port = 12001;               ///< MC_HANDSHAKE_PORT.
    int handshake_listen_backlog = 128;                         ///< MC_HANDSHAKE_LISTEN_BACKLOG.
    std::chrono::milliseconds handshake_connect_timeout{5000};  ///< MC_HANDSHAKE_CONNECT_TIMEOUT, seconds.
    std::chrono::milliseconds handshake_reply_timeout{60000};
    std::size_t handshake_max_length = 1 << 20;  ///< MC_HANDSHAKE_MAX_LENGTH, bytes.
    std::string bind_address;                    ///< MC_TCP_BIND_ADDRESS: bound and advertised.
    std::string advertise_address;               ///< Published instead of the bound address.
    TakeOver take_over = TakeOver::Dead;
    std::chrono::milliseconds probe_timeout{10000};  ///< Until an owner that does not answer counts as dead.
    std::string metadata_cluster_id;                 ///< MC_METADATA_CLUSTER_ID.
    bool use_ipv6 = false;                           ///< MC_USE_IPV6.
    bool metadata_cache = true;                      ///< Off with MC_DISABLE_METACACHE.
    int retry_count = 9;                             ///< MC_RETRY_CNT.
    std::chrono::milliseconds slice_timeout{0};      ///< MC_SLICE_TIMEOUT, seconds; 0: none.
    std::size_t max_notifications = 4096;
    bool metrics = false;                              ///< MC_TE_METRIC.
    std::chrono::milliseconds metrics_interval{5000};  ///< MC_TE_METRIC_INTERVAL_SECONDS.
    bool verbose = false;                              ///< MC_VERBOSE.
    std::string log_level = "info";                    ///< MC_LOG_LEVEL.

    /// The defaults, overridden by the MC_* variables. Config names the variable that is wrong.
    static Result<EngineOptions> fromEnvironment();
};

}  // namespace mc
