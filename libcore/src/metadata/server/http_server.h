#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "metadata/local_store.h"

namespace mc::metadata {

struct HttpServerOptions {
    unsigned threads = 2;  ///< That serve connections.
    std::size_t max_connections = 4096;
    std::size_t max_watches = 1000;
    std::size_t max_key_bytes = 4096;
    std::size_t max_value_bytes = std::size_t{64} << 20;
    std::size_t max_bodies_bytes = std::size_t{512} << 20;  ///< Of all values being received or written at a time.
    std::chrono::seconds idle_timeout{120};                 ///< Of a connection on which nothing moves.
    std::chrono::milliseconds heartbeat{5000};              ///< Of a watch.
};

/// Serves a store over HTTP at /metadata, as Mooncake's engines expect it, with listing, preconditions and watches as
/// extensions; /health and /metrics. Whoever can connect can read and write.
class HttpServer {
  public:
    /// The store stays the caller's and outlives the server.
    static Result<std::unique_ptr<HttpServer>> start(LocalStore& store, std::vector<FileDescriptor> listeners,
                                                     const HttpServerOptions& options = {});
    /// Answers what is under way, ends watches and closes all connections.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

  private:
    class Parts;
    explicit HttpServer(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace mc::metadata
