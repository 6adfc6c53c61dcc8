#include "metadata/server/http_server.h"

#include <utility>

#include "metadata/server/acceptor.h"
#include "metadata/server/http_daemon.h"
#include "metadata/server/metadata_service.h"
#include "metadata/server/server_metrics.h"
#include "metadata/server/watch_hub.h"

namespace mc::metadata {

// Each uses those above it.
class HttpServer::Parts {
  public:
    Parts(LocalStore& store, const HttpServerOptions& options)
        : hub_(store, metrics_, {.max_watches = options.max_watches, .heartbeat = options.heartbeat}),
          service_(store, hub_, metrics_, options.max_key_bytes) {}
    // No new connection, then no more events, then what is under way.
    ~Parts() {
        acceptor_.reset();
        hub_.stop();
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    Result<void> start(std::vector<FileDescriptor> listeners, const HttpServerOptions& options) {
        auto daemon = server::HttpDaemon::start(service_, metrics_,
                                                {.threads = options.threads,
                                                 .max_connections = options.max_connections,
                                                 .max_body_bytes = options.max_value_bytes,
                                                 .max_bodies_bytes = options.max_bodies_bytes,
                                                 .idle_timeout = options.idle_timeout});
        if (!daemon) return std::unexpected(daemon.error());
        daemon_ = std::move(*daemon);
        auto acceptor = server::Acceptor::start(std::move(listeners),
                                                [this](FileDescriptor socket) { daemon_->admit(std::move(socket)); });
        if (!acceptor) return std::unexpected(acceptor.error());
        acceptor_ = std::move(*acceptor);
        return {};
    }

  private:
    server::ServerMetrics metrics_;
    server::WatchHub hub_;
    server::MetadataService service_;
    std::unique_ptr<server::HttpDaemon> daemon_;
    std::unique_ptr<server::Acceptor> acceptor_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(LocalStore& store, std::vector<FileDescriptor> listeners,
                                                      const HttpServerOptions& options) {
    auto parts = std::make_unique<Parts>(store, options);
    if (auto started = parts->start(std::move(listeners), options); !started) return std::unexpected(started.error());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(parts)));
}

HttpServer::HttpServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

HttpServer::~HttpServer() = default;

}  // namespace mc::metadata
