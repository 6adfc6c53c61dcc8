#include "mc-meta/serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/sd_notify.h"
#include "common/descriptor_limit.h"
#include "common/output.h"
#include "io/socket.h"
#include "metadata/memory_store.h"
#include "metadata/server/http_server.h"
#include "metadata/sqlite_store.h"

namespace mc::meta {
namespace {

constexpr int kBacklog = 4096;
constexpr std::uint16_t kUsualPort = 8080;

struct Listener {
    FileDescriptor socket;
    io::SocketAddress address;
};

Result<Listener> listenOn(const std::string& text) {
    const auto parsed = parseHostPort(text);
    if (!parsed) return std::unexpected(wrap("--listen", parsed.error()));
    const auto addresses = io::resolve(parsed->host, parsed->port.value_or(kUsualPort));
    if (!addresses) return std::unexpected(wrap("--listen", addresses.error()));
    auto socket = io::listenOn(addresses->front(), kBacklog, "--listen");
    if (!socket) return std::unexpected(std::move(socket.error()));
    const auto address = io::localAddress(*socket);
    return Listener{std::move(*socket), address};
}

Result<std::vector<Listener>> listenOnAll(const config::Values& values) {
    std::vector<Listener> listeners;
    for (const auto& text : values.texts("listen")) {
        auto listener = listenOn(text);
        if (!listener) return std::unexpected(std::move(listener.error()));
        listeners.push_back(std::move(*listener));
    }
    if (listeners.empty()) return std::unexpected(values.error("listen", "names no address"));
    return listeners;
}

Result<std::unique_ptr<metadata::LocalStore>> openStore(const config::Values& values) {
    const std::uint64_t max_bytes = values.size("max-store-size");
    if (!values.has("data")) return std::make_unique<metadata::MemoryStore>(max_bytes);
    if (values.text("data").empty()) return std::unexpected(values.error("data", "names no file"));
    auto store = metadata::SqliteStore::open({.path = values.text("data"), .max_bytes = max_bytes});
    if (!store) return std::unexpected(std::move(store.error()));
    return std::move(*store);
}

metadata::HttpServerOptions serverOptions(const config::Values& values) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(values.duration("idle-timeout"));
    const std::size_t max_value = values.size("max-value-size");
    metadata::HttpServerOptions options{.threads = static_cast<unsigned>(values.integer("threads")),
                                        .max_connections = static_cast<std::size_t>(values.integer("max-connections")),
                                        .max_watches = static_cast<std::size_t>(values.integer("max-watches")),
                                        .max_value_bytes = max_value,
                                        .idle_timeout = seconds};
    options.max_bodies_bytes = std::max(options.max_bodies_bytes, 4 * max_value);
    return options;
}

bool isWildcard(const io::SocketAddress& address) {
    return address.host() == "0.0.0.0" || address.host() == "::";
}

bool isLoopback(const io::SocketAddress& address) {
    return address.host() == "::1" || address.host().starts_with("127.");
}

// Where this machine reaches it: a wildcard is no address to connect to.
std::string urlOf(const io::SocketAddress& address) {
    const std::string host = !isWildcard(address) ? address.host() : address.family() == AF_INET ? "127.0.0.1" : "::1";
    return fmt::format("http://{}/metadata", formatHostPort(host, address.port()));
}

std::string readyDocument(const std::vector<Listener>& listeners, const config::Values& values) {
    Json urls = Json::array();
    Json listen = Json::array();
    for (const auto& [socket, address] : listeners) {
        urls.add(urlOf(address));
        listen.add({{"host", address.host()}, {"port", address.port()}});
    }
    const Json document{{"schema_version", 1},
                        {"urls", urls},
                        {"listen", listen},
                        {"data", values.has("data") ? Json(values.text("data")) : Json(nullptr)},
                        {"pid", ::getpid()}};
    return document.line();
}

std::string readyLine(const std::vector<Listener>& listeners, const config::Values& values) {
    std::vector<std::string> flags;
    flags.reserve(listeners.size());
    for (const auto& listener : listeners)
        flags.push_back("--metadata_server=" + urlOf(listener.address));
    return fmt::format("ready: {}, keys in {}, pid {}\n", fmt::join(flags, " "),
                       values.has("data") ? values.text("data") : "memory", ::getpid());
}

void adviseUser(const std::vector<Listener>& listeners) {
    std::vector<std::string> open;
    bool wildcard = false;
    for (const auto& listener : listeners) {
        if (!isLoopback(listener.address)) open.push_back(listener.address.toString());
        wildcard = wildcard || isWildcard(listener.address);
    }
    if (open.empty()) return;
    fmt::print(stderr,
               "warning: {} is served without authentication: whoever reaches it can read and change every key\n",
               fmt::join(open, ", "));
    if (wildcard) fmt::print(stderr, "note: other machines use one of this machine's addresses in the URL\n");
}

std::vector<FileDescriptor> socketsOf(std::vector<Listener>& listeners) {
    std::vector<FileDescriptor> sockets;
    sockets.reserve(listeners.size());
    for (auto& listener : listeners)
        sockets.push_back(std::move(listener.socket));
    return sockets;
}

}  // namespace

Result<ExitCode> runServe(const config::Values& values, tools::StopSignals& stop) {
    // A file that may not grow is an error of whoever writes, not the end of the server.
    std::signal(SIGXFSZ, SIG_IGN);
    auto listeners = listenOnAll(values);
    if (!listeners) return std::unexpected(listeners.error());
    auto store = openStore(values);
    if (!store) return std::unexpected(store.error());
    const auto options = serverOptions(values);
    if (!tools::raiseDescriptorLimit(options.max_connections)) {
        fmt::print(stderr, "warning: the limit of {} descriptors (ulimit -Hn) is too low for --max-connections={}\n",
                   tools::hardDescriptorLimit(), options.max_connections);
    }
    auto server = metadata::HttpServer::start(**store, socketsOf(*listeners), options);
    if (!server) return std::unexpected(server.error());
    const bool quiet = values.flag("quiet");
    if (!quiet) adviseUser(*listeners);
    const bool json = values.flag("json");
    if (auto printed = tools::writeData(json ? readyDocument(*listeners, values) : readyLine(*listeners, values));
        !printed) {
        return std::unexpected(printed.error());
    }
    notifyServiceManager("READY=1");
    stop.wait();
    notifyServiceManager("STOPPING=1");
    if (!quiet) fmt::print(stderr, "stopping\n");
    return ExitCode::Ok;
}

}  // namespace mc::meta
