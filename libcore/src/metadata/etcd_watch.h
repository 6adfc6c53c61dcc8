#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "metadata/etcd_client.h"
#include "metadata/http_lines.h"
#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata::etcd {

/// A watch of one member, over a connection of its own. Changes that are not taken wait at the server.
class EtcdWatch : public Watch {
  public:
    struct Range {
        std::string_view prefix;
        std::int64_t first = 0;  ///< Revision from which on changes are seen.
        /// etcd has no heartbeat within minutes: a member that is silent for so long is asked whether it lives.
        std::chrono::milliseconds probe_after{10000};
    };
    static Result<std::unique_ptr<Watch>> open(Client& client, const Range& range, const StoreOptions& options,
                                               Deadline deadline);

    Result<std::optional<Event>> next(Deadline deadline) override;
    void cancel() override;

  private:
    EtcdWatch(Client::Stream stream, const Range& range, const StoreOptions& options);
    Result<void> takeLine(Deadline deadline);
    Result<void> probe(Deadline deadline);

    const std::string prefix_;
    const std::chrono::milliseconds probe_after_;
    const std::string url_;
    HttpClient prober_;
    const std::unique_ptr<HttpLines> lines_;
    std::deque<Event> pending_;
    SteadyClock::time_point heard_;  // When the member was last known to live.
    std::optional<Error> ended_;
    std::atomic<bool> cancelled_ = false;
};

}  // namespace mc::metadata::etcd
