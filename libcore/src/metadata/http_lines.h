#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "mc/error.h"

#include "base/futex.h"
#include "metadata/curl_transfer.h"

namespace mc::metadata {

/// The lines of a reply that goes on and on. One thread at a time, but for cancel().
class HttpLines {
  public:
    /// Waits for the first line or the end of the reply, whatever comes first. A server that then says nothing for
    /// `longest_silence` is Unavailable.
    static Result<std::unique_ptr<HttpLines>> open(const HttpRequest& request, const StoreOptions& options,
                                                   const std::string& shown_url,
                                                   std::chrono::milliseconds longest_silence, Deadline deadline);
    ~HttpLines();
    HttpLines(const HttpLines&) = delete;
    HttpLines& operator=(const HttpLines&) = delete;

    /// With the body as far as no line was taken from it.
    HttpReply reply() const;
    /// The next line that is not empty, without its end; nothing after cancel(). TimedOut at the deadline, after which
    /// it may be called again; Unavailable when the reply has ended.
    Result<std::optional<std::string>> next(Deadline deadline);
    /// From any thread.
    void cancel();

  private:
    struct MultiCleanup {
        void operator()(void* multi) const;
    };

    HttpLines(std::unique_ptr<CurlTransfer> transfer, void* multi, std::string shown_url,
              std::chrono::milliseconds longest_silence);
    std::optional<std::string> takeLine();
    Result<bool> pump();
    Result<void> waitForBytes(Deadline deadline);

    const std::string shown_url_;
    const std::chrono::milliseconds longest_silence_;
    std::unique_ptr<CurlTransfer> transfer_;
    std::unique_ptr<void, MultiCleanup> multi_;  // Refers to the transfer.
    std::size_t taken_ = 0;                      // Bytes of the body that were given out.
    std::size_t searched_ = 0;                   // The next line does not end in these first bytes.
    bool ended_ = false;
    std::optional<Error> failure_;          // What is told after the last line.
    std::chrono::milliseconds silence_{0};  // Waited since the last byte.
    std::atomic<bool> cancelled_ = false;
};

}  // namespace mc::metadata
