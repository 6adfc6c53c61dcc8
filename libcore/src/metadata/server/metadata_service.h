#pragma once

#include "metadata/local_store.h"
#include "metadata/server/reply.h"
#include "metadata/server/server_metrics.h"
#include "metadata/server/watch_hub.h"

namespace mc::metadata::server {

/// What the server answers: /metadata on a store, /health, /metrics.
class MetadataService : public Handler {
  public:
    /// Keys and values of one page of a listing; one item may be longer.
    static constexpr std::size_t kMaxPageBytes = std::size_t{8} << 20;

    MetadataService(LocalStore& store, WatchHub& hub, ServerMetrics& metrics, std::size_t max_key_bytes)
        : store_(store), hub_(hub), metrics_(metrics), max_key_bytes_(max_key_bytes) {}

    void handle(const Head& head, std::string body, Answer answer) override;

  private:
    void serveMetadata(const Head& head, std::string body, Answer answer);
    Reply get(std::string_view key);
    Reply list(const Request& request);
    Reply watch(std::string_view prefix);
    Reply observe(const Head& head);

    LocalStore& store_;
    WatchHub& hub_;
    ServerMetrics& metrics_;
    const std::size_t max_key_bytes_;
};

}  // namespace mc::metadata::server
