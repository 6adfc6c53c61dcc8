#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "metadata/curl_transfer.h"

namespace mc::metadata {

/// What became of a request.
struct HttpExchange {
    Result<HttpReply> reply;
    bool sent = false;  ///< The server may have seen something of it.
};

/// Requests to one server over at most kMaxTransfers connections, which are kept. From any thread; no lock is held
/// while a request is under way.
class HttpClient {
  public:
    static constexpr std::size_t kMaxTransfers = 8;

    /// `shown_url` names the server in messages.
    HttpClient(StoreOptions options, std::string shown_url);

    /// TimedOut at the deadline, or when the request has taken StoreOptions::timeout.
    Result<HttpReply> send(const HttpRequest& request, Deadline deadline) { return exchange(request, deadline).reply; }
    HttpExchange exchange(const HttpRequest& request, Deadline deadline);

  private:
    Result<std::unique_ptr<CurlTransfer>> borrow(Deadline deadline);
    void giveBack(std::unique_ptr<CurlTransfer> transfer);

    const StoreOptions options_;
    const std::string shown_url_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<std::unique_ptr<CurlTransfer>> idle_;
    std::size_t borrowed_ = 0;
};

/// The time that is left until the deadline, at most `longest`: 0 when it has passed.
std::chrono::milliseconds timeLeft(Deadline deadline, std::chrono::milliseconds longest);

}  // namespace mc::metadata
