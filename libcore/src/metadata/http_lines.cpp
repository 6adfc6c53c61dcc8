#include "metadata/http_lines.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/units.h"
#include "metadata/http_client.h"

namespace mc::metadata {

using std::chrono::milliseconds;

void HttpLines::MultiCleanup::operator()(void* multi) const {
    ::curl_multi_cleanup(multi);
}

Result<std::unique_ptr<HttpLines>> HttpLines::open(const HttpRequest& request, const StoreOptions& options,
                                                   const std::string& shown_url, milliseconds longest_silence,
                                                   Deadline deadline) {
    auto transfer = CurlTransfer::open(options, shown_url);
    if (!transfer) return std::unexpected(transfer.error());
    CURLM* const multi = ::curl_multi_init();
    if (multi == nullptr) return fail(ErrorCode::System, "libcurl: can't be initialised");
    std::unique_ptr<HttpLines> lines(new HttpLines(std::move(*transfer), multi, shown_url, longest_silence));
    lines->transfer_->prepare(request, milliseconds(0));
    if (const auto code = ::curl_multi_add_handle(multi, lines->transfer_->handle()); code != CURLM_OK)
        return fail(ErrorCode::System, fmt::format("libcurl: {}", ::curl_multi_strerror(code)));
    const Deadline until = SteadyClock::now() + timeLeft(deadline, options.timeout);
    while (!lines->ended_ && !lines->transfer_->body().contains('\n')) {
        if (auto waited = lines->waitForBytes(until); !waited) return std::unexpected(waited.error());
    }
    if (lines->failure_ && lines->transfer_->body().empty()) return std::unexpected(*lines->failure_);
    return lines;
}

HttpLines::HttpLines(std::unique_ptr<CurlTransfer> transfer, void* multi, std::string shown_url,
                     milliseconds longest_silence)
    : shown_url_(std::move(shown_url)),
      longest_silence_(longest_silence),
      transfer_(std::move(transfer)),
      multi_(multi) {}

HttpLines::~HttpLines() {
    ::curl_multi_remove_handle(multi_.get(), transfer_->handle());
}

HttpReply HttpLines::reply() const {
    HttpReply reply = transfer_->header();
    reply.body = transfer_->body();
    return reply;
}

Result<std::optional<std::string>> HttpLines::next(Deadline deadline) {
    for (;;) {
        if (cancelled_.load()) return std::nullopt;
        if (auto line = takeLine()) {
            if (!line->empty()) return line;
            continue;
        }
        if (failure_) return std::unexpected(*failure_);
        if (ended_) {
            return fail(ErrorCode::Unavailable, fmt::format("metadata server {}: it ended the watch", shown_url_),
                        "is it still running?");
        }
        if (auto waited = waitForBytes(deadline); !waited) return std::unexpected(waited.error());
    }
}

void HttpLines::cancel() {
    cancelled_.store(true);
    ::curl_multi_wakeup(multi_.get());
}

std::optional<std::string> HttpLines::takeLine() {
    const std::string& body = transfer_->body();
    const auto end = body.find('\n', searched_);
    if (end == std::string::npos) {
        searched_ = body.size();
        return std::nullopt;
    }
    std::string line = body.substr(taken_, end - taken_);
    taken_ = searched_ = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

// Reads what is there; true if that was anything.
Result<bool> HttpLines::pump() {
    std::string& body = transfer_->body();
    body.erase(0, std::exchange(taken_, 0));
    const std::size_t before = searched_ = body.size();
    int running = 0;
    if (const auto code = ::curl_multi_perform(multi_.get(), &running); code != CURLM_OK)
        return fail(ErrorCode::System, fmt::format("libcurl: {}", ::curl_multi_strerror(code)));
    int left = 0;
    while (const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        ended_ = true;
        if (message->data.result != CURLE_OK) failure_ = transfer_->errorOf(message->data.result);
    }
    return ended_ || body.size() != before;
}

// All lines have been taken.
Result<void> HttpLines::waitForBytes(Deadline deadline) {
    const auto pumped = pump();
    if (!pumped) return std::unexpected(pumped.error());
    if (*pumped) {
        silence_ = milliseconds(0);
        return {};
    }
    if (silence_ >= longest_silence_) {
        return fail(ErrorCode::Unavailable, fmt::format("metadata server {}: it has said nothing for {}", shown_url_,
                                                        formatDuration(longest_silence_)));
    }
    const milliseconds time = timeLeft(deadline, std::min(longest_silence_ - silence_, milliseconds(1000)));
    if (time.count() == 0)
        return fail(ErrorCode::TimedOut, fmt::format("metadata server {}: nothing until the deadline", shown_url_));
    // Only the time that was spent here counts: this thread and the server may both have been stopped for long.
    const auto begin = SteadyClock::now();
    ::curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(time.count()), nullptr);
    silence_ += std::min(time, std::chrono::round<milliseconds>(SteadyClock::now() - begin));
    return {};
}

}  // namespace mc::metadata
