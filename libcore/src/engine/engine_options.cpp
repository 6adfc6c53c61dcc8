#include "engine/engine_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "engine/nvmeof_options.h"
#include "io/congestion.h"
#include "metadata/store_options.h"

namespace mc {
namespace {

using config::Option;
using config::Type;
using std::chrono::milliseconds;

constexpr std::string_view kEngine = "Engine";
constexpr std::string_view kTcp = "TCP transport";
constexpr milliseconds kLeastStoreTime{5000};

constexpr std::array kTable{
    Option{.name = "bind-address",
           .placeholder = "ADDRESS",
           .environment = "MC_TCP_BIND_ADDRESS",
           .group = kEngine,
           .summary = "address to bind and to advertise",
           .details = "By default the host of the server name. The address is bound exactly, and never guessed."},
    Option{
        .name = "advertise",
        .placeholder = "ADDRESS",
        .group = kEngine,
        .summary = "address to publish instead of the bound one",
        .details =
            "For peers that reach this machine under another address, such as behind a NAT. Files are published under "
            "it, too."},
    Option{.name = "ipv6",
           .type = Type::Flag,
           .environment = "MC_USE_IPV6",
           .environment_presence = true,
           .group = kEngine,
           .summary = "prefer IPv6 for the handshake"},
    Option{.name = "min-port",
           .placeholder = "PORT",
           .type = Type::Integer,
           .environment = "MC_MIN_RPC_PORT",
           .environment_aliases = {"MC_MIN_PRC_PORT"},
           .min = "1024",
           .max = "65535",
           .fallback = "15000",
           .group = kEngine,
           .summary = "first port of the range to draw from"},
    Option{.name = "max-port",
           .placeholder = "PORT",
           .type = Type::Integer,
           .environment = "MC_MAX_RPC_PORT",
           .environment_aliases = {"MC_MAX_PRC_PORT"},
           .min = "1024",
           .max = "65535",
           .fallback = "17000",
           .group = kEngine,
           .summary = "last port of the range to draw from"},
    Option{.name = "handshake-port",
           .placeholder = "PORT",
           .type = Type::Integer,
           .environment = "MC_HANDSHAKE_PORT",
           .min = "1",
           .max = "65535",
           .fallback = "12001",
           .group = kEngine,
           .summary = "port of a peer whose name has none"},
    Option{.name = "handshake-backlog",
           .type = Type::Integer,
           .environment = "MC_HANDSHAKE_LISTEN_BACKLOG",
           .min = "1",
           .max = "65535",
           .fallback = "128",
           .group = kEngine,
           .summary = "handshakes that may wait to be accepted"},
    Option{.name = "handshake-connect-timeout",
           .type = Type::Duration,
           .environment = "MC_HANDSHAKE_CONNECT_TIMEOUT",
           .min = "1ms",
           .max = "3599s",
           .fallback = "5s",
           .group = kEngine,
           .summary = "how long to wait for a handshake's connection"},
    Option{.name = "handshake-reply-timeout",
           .type = Type::Duration,
           .min = "1ms",
           .max = "3599s",
           .fallback = "60s",
           .group = kEngine,
           .summary = "how long to wait for a handshake's reply"},
    Option{.name = "handshake-max-length",
           .type = Type::Size,
           .environment = "MC_HANDSHAKE_MAX_LENGTH",
           .min = "1MiB",
           .max = "128MiB",
           .fallback = "1MiB",
           .group = kEngine,
           .summary = "longest handshake message to accept",
           .details = "A descriptor with very many buffers needs more than the default, on both sides."},
    Option{.name = "take-over",
           .type = Type::Choice,
           .choices = {"dead", "never", "always"},
           .fallback = "dead",
           .group = kEngine,
           .summary = "whose server name in the metadata store may be taken",
           .details = "dead: a free one, or that of an owner that can't be reached; an owner that answers a probe, or "
                      "closes without an answer, lives. never: only a free one. always: anybody's."},
    Option{.name = "probe-timeout",
           .type = Type::Duration,
           .min = "1ms",
           .max = "3599s",
           .fallback = "10s",
           .group = kEngine,
           .summary = "how long a name's owner has to answer before it counts as dead"},
    metadata::kMetadataClusterId,
    metadata::kMetadataConnectTimeout,
    metadata::kMetadataTimeout,
    metadata::kMetadataMaxValue,
    metadata::kMetadataProxy,
    metadata::kMetadataCaFile,
    metadata::kMetadataCertFile,
    metadata::kMetadataKeyFile,
    metadata::kMetadataUser,
    metadata::kMetadataPasswordFile,
    metadata::kRedisUsername,
    metadata::kRedisPassword,
    metadata::kRedisDatabase,
    Option{.name = "metadata-cache",
           .type = Type::Flag,
           .environment = "MC_DISABLE_METACACHE",
           .environment_presence = true,
           .environment_inverts = true,
           .fallback = "true",
           .group = kEngine,
           .summary = "keep descriptors of open segments",
           .details = "Without, each use of a segment looks its descriptor up again."},
    Option{.name = "retry-count",
           .type = Type::Integer,
           .environment = "MC_RETRY_CNT",
           .min = "1",
           .max = "127",
           .fallback = "9",
           .group = kEngine,
           .summary = "times that a failed request is tried again"},
    Option{.name = "slice-timeout",
           .type = Type::Duration,
           .environment = "MC_SLICE_TIMEOUT",
           .min = "0s",
           .max = "8760h",
           .fallback = "0s",
           .group = kEngine,
           .summary = "time after which a request ends as TIMEOUT; 0: never"},
    Option{.name = "max-notifications",
           .type = Type::Integer,
           .min = "1",
           .max = "1000000",
           .fallback = "4096",
           .group = kEngine,
           .summary = "notifications to keep until they are taken"},
    Option{.name = "metrics",
           .type = Type::Flag,
           .environment = "MC_TE_METRIC",
           .group = kEngine,
           .summary = "log the throughput now and then"},
    Option{.name = "metrics-interval",
           .type = Type::Duration,
           .environment = "MC_TE_METRIC_INTERVAL_SECONDS",
           .min = "100ms",
           .max = "24h",
           .fallback = "5s",
           .group = kEngine,
           .summary = "time between two lines of metrics"},
    Option{.name = "log-level",
           .placeholder = "LEVEL",
           .type = Type::Choice,
           .environment = "MC_LOG_LEVEL",
           .choices = {"trace", "debug", "info", "warning", "error", "off"},
           .fallback = "info",
           .group = kEngine,
           .summary = "what is worth a line in the log"},
    Option{.name = "tcp-threads",
           .type = Type::Integer,
           .min = "1",
           .max = "256",
           .fallback = "4",
           .group = kTcp,
           .summary = "threads that serve peers",
           .details = "As many as the connections of a busy peer, even where that is more than there are CPUs."},
    Option{.name = "tcp-connections-per-peer",
           .type = Type::Integer,
           .environment = "MC_TCP_LANES_PER_PEER",
           .environment_aliases = {"MC_TCP_MAX_CONNECTIONS_PER_PEER"},
           .min = "1",
           .max = "16",
           .fallback = "4",
           .group = kTcp,
           .summary = "connections to each peer, each with its thread"},
    Option{.name = "tcp-protocol-version",
           .type = Type::Integer,
           .environment = "MC_TCP_PROTO",
           .min = "1",
           .max = "2",
           .fallback = "2",
           .group = kTcp,
           .summary = "newest protocol to speak; 1 never asks for acknowledgements"},
    Option{.name = "tcp-connect-timeout",
           .type = Type::Duration,
           .min = "1ms",
           .max = "3599s",
           .fallback = "5s",
           .group = kTcp,
           .summary = "how long to wait for a connection"},
    Option{.name = "tcp-status-timeout",
           .type = Type::Duration,
           .environment = "MC_TCP_STATUS_TIMEOUT_SEC",
           .min = "1ms",
           .max = "24h",
           .fallback = "30s",
           .group = kTcp,
           .summary = "how long to wait for a peer that makes no progress"},
    Option{
        .name = "congestion-control",
        .placeholder = "NAME",
        .fallback = "auto",
        .group = kTcp,
        .summary = "auto, system, or a name that the kernel knows",
        .details = "auto leaves the road between machines to the system, and on a local one tries cubic, then reno."},
    Option{.name = "tcp-data-port",
           .placeholder = "PORT",
           .type = Type::Integer,
           .min = "0",
           .max = "65535",
           .fallback = "0",
           .group = kTcp,
           .summary = "port to serve memory on; 0: one of the range"},
    Option{.name = "tcp-max-connections",
           .type = Type::Integer,
           .min = "1",
           .max = "1000000",
           .fallback = "4096",
           .group = kTcp,
           .summary = "connections served at once; further ones are closed"},
    Option{.name = "tcp-stall-timeout",
           .type = Type::Duration,
           .min = "0s",
           .max = "24h",
           .fallback = "60s",
           .group = kTcp,
           .summary = "how long to serve a peer that stops within a request; 0: for ever",
           .details = "A peer that sends half a header or payload, or does not read its answer, is disconnected."},
    Option{.name = "tcp-idle-timeout",
           .type = Type::Duration,
           .min = "0s",
           .max = "8760h",
           .fallback = "0s",
           .group = kTcp,
           .summary = "how long to keep a peer that asks for nothing; 0: for ever",
           .details = "Peers keep connections for their next request, and make a new one where it was closed."},
    kNvmeofDirectIo,
    kNvmeofInitiator,
    kNvmeofInitiatorPageCache,
    kNvmeofWorkers,
    kNvmeofThreads,
    kNvmeofQueueEntries,
    kNvmeofHeaderDigest,
    kNvmeofDataDigest,
    kNvmeofLossTimeout,
    kNvmeofHostNqn,
    kNvmeofHostKey,
    kNvmeofControllerKey,
    kVerboseOption,
};

std::uint16_t port(const config::Values& values, std::string_view name) {
    return static_cast<std::uint16_t>(values.integer(name));
}

// Rounded up: a timeout of half a millisecond is not none.
milliseconds timeout(const config::Values& values, std::string_view name) {
    return std::chrono::ceil<milliseconds>(values.duration(name));
}

TakeOver takeOver(const config::Values& values) {
    const std::string word = values.text("take-over");
    return word == "never" ? TakeOver::Never : word == "always" ? TakeOver::Always : TakeOver::Dead;
}

TcpOptions tcpOptions(const config::Values& values) {
    return {
        .threads = static_cast<int>(values.integer("tcp-threads")),
        .connections_per_peer = static_cast<int>(values.integer("tcp-connections-per-peer")),
        .protocol_version = static_cast<int>(values.integer("tcp-protocol-version")),
        .connect_timeout = timeout(values, "tcp-connect-timeout"),
        .status_timeout = timeout(values, "tcp-status-timeout"),
        .congestion = values.text("congestion-control"),
        .data_port = port(values, "tcp-data-port"),
        .max_connections = static_cast<std::size_t>(values.integer("tcp-max-connections")),
        .stall_timeout = timeout(values, "tcp-stall-timeout"),
        .idle_timeout = timeout(values, "tcp-idle-timeout"),
    };
}

}  // namespace

std::span<const Option> engineOptionTable() {
    return kTable;
}

Result<EngineOptions> engineOptionsFrom(const config::Values& values) {
    const PortRange range{port(values, "min-port"), port(values, "max-port")};
    if (range.first > range.last) {
        const bool min_given = values.given("min-port");
        return std::unexpected(
            min_given
                ? values.error("min-port", fmt::format("is above max-port, {}", range.last), "raise max-port too")
                : values.error("max-port", fmt::format("is below min-port, {}", range.first), "lower min-port too"));
    }
    const std::string congestion = values.text("congestion-control");
    if (congestion != "auto" && congestion != "system") {
        if (auto refused = io::refusedCongestionControl(congestion)) {
            return std::unexpected(values.error("congestion-control", refused->reason, std::move(refused->hint)));
        }
    }
    auto store = metadata::storeOptionsFrom(values);
    if (!store) return std::unexpected(store.error());
    auto nvmeof = nvmeofOptionsFrom(values);
    if (!nvmeof) return std::unexpected(nvmeof.error());
    return EngineOptions{
        .tcp = tcpOptions(values),
        .nvmeof = std::move(*nvmeof),
        .metadata = std::move(*store),
        .port_range = range,
        .default_handshake_port = port(values, "handshake-port"),
        .handshake_listen_backlog = static_cast<int>(values.integer("handshake-backlog")),
        .handshake_connect_timeout = timeout(values, "handshake-connect-timeout"),
        .handshake_reply_timeout = timeout(values, "handshake-reply-timeout"),
        .handshake_max_length = values.size("handshake-max-length"),
        .bind_address = values.text("bind-address"),
        .advertise_address = values.text("advertise"),
        .take_over = takeOver(values),
        .probe_timeout = timeout(values, "probe-timeout"),
        .metadata_cluster_id = values.text("cluster-id"),
        .use_ipv6 = values.flag("ipv6"),
        .metadata_cache = values.flag("metadata-cache"),
        .retry_count = static_cast<int>(values.integer("retry-count")),
        .slice_timeout = timeout(values, "slice-timeout"),
        .max_notifications = static_cast<std::size_t>(values.integer("max-notifications")),
        .metrics = values.flag("metrics"),
        .metrics_interval = timeout(values, "metrics-interval"),
        .verbose = values.flag("verbose"),
        .log_level = values.text("log-level"),
    };
}

Result<EngineOptions> EngineOptions::fromEnvironment() {
    const config::Tool library{.main = {.name = "mc", .options = {engineOptionTable()}}};
    const auto values =
        config::load(library, {.arguments = {}, .environment = config::processEnvironment(), .toml_file = {}});
    if (!values) return std::unexpected(values.error());
    return engineOptionsFrom(*values);
}

Deadline storeDeadline(const EngineOptions& options) {
    return SteadyClock::now() + std::max(kLeastStoreTime, options.metadata.timeout);
}

}  // namespace mc
