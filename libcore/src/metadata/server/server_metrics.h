#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "metadata/local_store.h"
#include "metadata/server/request.h"

namespace mc::metadata::server {

/// What a server counts. From any thread.
class ServerMetrics {
  public:
    void countRequest(Method method, unsigned status);
    void countRefusedConnection() { refused_connections_.fetch_add(1, std::memory_order_relaxed); }

    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> watches{0};
    std::atomic<std::uint64_t> body_bytes{0};  ///< Of the bodies that are being received or written.

    /// In the text format of Prometheus.
    std::string text(const LocalStore& store) const;

  private:
    static constexpr std::array<unsigned, 11> kStatuses{200, 400, 404, 405, 412, 413, 414, 500, 503, 507, 0};
    static constexpr std::size_t kMethods = 5;

    std::array<std::array<std::atomic<std::uint64_t>, kStatuses.size()>, kMethods> requests_{};
    std::atomic<std::uint64_t> refused_connections_{0};
};

}  // namespace mc::metadata::server
