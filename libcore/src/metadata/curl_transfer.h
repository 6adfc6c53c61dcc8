#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "mc/error.h"

#include "metadata/http_message.h"

namespace mc::metadata {

/// One HTTP request at a time on a libcurl handle, which keeps its connection for the next one. For one thread at a
/// time.
class CurlTransfer {
  public:
    static Result<std::unique_ptr<CurlTransfer>> open(const StoreOptions& options, std::string shown_url);
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    /// What the next transfer does. `limit` is its time from the start to the last byte, 0 for none.
    void prepare(const HttpRequest& request, std::chrono::milliseconds limit);
    /// Transfers; any status is a reply.
    Result<HttpReply> perform();
    /// Whether the server may have seen something of the last request.
    bool sent() const;

    /// For whoever drives the transfer itself: the libcurl handle, the body so far (from which may be taken), all that
    /// the header says, and the error that a CURLcode stands for.
    void* handle() const;
    std::string& body();
    HttpReply header() const;
    Error errorOf(int code) const;

  private:
    class Impl;
    explicit CurlTransfer(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace mc::metadata
