#pragma once

#include <atomic>
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
    /// Sees the changes from revision `first` on.
    static Result<std::unique_ptr<Watch>> open(Client& client, std::string_view prefix, std::int64_t first,
                                               const StoreOptions& options, Deadline deadline);

    Result<std::optional<Event>> next(Deadline deadline) override;
    void cancel() override;

  private:
    EtcdWatch(Client::Stream stream, std::string_view prefix, const StoreOptions& options);
    Result<void> takeLine(Deadline deadline);
    Result<void> probe(Deadline deadline);

    const std::string prefix_;
    const std::string url_;
    HttpClient prober_;
    const std::unique_ptr<HttpLines> lines_;
    std::deque<Event> pending_;
    SteadyClock::time_point heard_;  // When the member was last known to live.
    std::optional<Error> ended_;
    std::atomic<bool> cancelled_ = false;
};

}  // namespace mc::metadata::etcd
