#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "mc/error.h"

#include "base/fd.h"
#include "metadata/server/reply.h"
#include "metadata/server/server_metrics.h"

namespace mc::metadata::server {

/// HTTP on connections that others accept: libmicrohttpd, with one thread and one epoll for each share of them.
class HttpDaemon {
  public:
    struct Options {
        unsigned threads = 2;
        std::size_t max_connections = 4096;
        std::size_t max_body_bytes = std::size_t{64} << 20;  ///< Of one request, else 413.
        /// Of all requests, and of all replies, at a time, else 503; bodies up to 64 KiB are taken above it.
        std::size_t max_bodies_bytes = std::size_t{512} << 20;
        std::chrono::seconds idle_timeout{120};
    };

    static Result<std::unique_ptr<HttpDaemon>> start(Handler& handler, ServerMetrics& metrics, const Options& options);
    ~HttpDaemon();
    HttpDaemon(const HttpDaemon&) = delete;
    HttpDaemon& operator=(const HttpDaemon&) = delete;

    /// Serves a connection. One above the limit is told so and closed.
    void admit(FileDescriptor socket);

    /// Answers 503 to all that comes from now on, waits for the answers under way (streams must have been ended) and
    /// closes the connections.
    void stop();

  private:
    class Impl;
    explicit HttpDaemon(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace mc::metadata::server
