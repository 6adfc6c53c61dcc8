#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/etcd_client.h"
#include "metadata/etcd_replies.h"
#include "metadata/etcd_requests.h"
#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata {

/// An etcd cluster, 3.4 or newer, through its v3 JSON gateway. A version is the revision at which a key was last put.
class EtcdStore : public Store {
  public:
    /// Of "etcd://host[:port][,...]", or "host:port[,...]". Does not talk to a server yet.
    static Result<std::unique_ptr<Store>> open(std::string_view uri, const StoreOptions& options);

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override;
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override;
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override;
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override;

  private:
    EtcdStore(std::vector<std::string> urls, const StoreOptions& options);
    Result<etcd::Range> range(const etcd::Listing& listing, Deadline deadline);
    Result<etcd::Change> change(std::string_view path, std::string body, std::string_view what, Deadline deadline);

    const StoreOptions options_;
    etcd::Client client_;
};

}  // namespace mc::metadata
