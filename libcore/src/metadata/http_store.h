#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "metadata/http_client.h"
#include "metadata/http_url.h"
#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata {

/// A metadata server over HTTP: `mc-meta serve`, or one of Mooncake's, which have neither versions nor preconditions,
/// list and watch. A precondition is only sent to a server that has shown that it knows them: others would ignore it.
class HttpStore : public Store {
  public:
    /// Does not talk to the server yet.
    static Result<std::unique_ptr<Store>> open(std::string_view url, const StoreOptions& options);

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override;
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override;
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override;
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override;

  private:
    HttpStore(HttpUrl url, const StoreOptions& options);
    Result<HttpReply> send(std::string_view operation, std::string_view key, const HttpRequest& request,
                           Deadline deadline);
    Result<HttpReply> change(std::string_view operation, std::string_view key, HttpRequest request,
                             const Precondition& precondition, Deadline deadline);
    Result<void> askForExtensions(std::string_view operation, std::string_view key, Deadline deadline);

    const HttpUrl url_;
    const StoreOptions options_;
    HttpClient client_;
    std::atomic<bool> extended_ = false;  // As the last reply said.
};

}  // namespace mc::metadata
