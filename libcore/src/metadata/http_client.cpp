#include "metadata/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace mc::metadata {

using std::chrono::milliseconds;

milliseconds timeLeft(Deadline deadline, milliseconds longest) {
    if (!deadline) return longest;
    const auto left = std::chrono::ceil<milliseconds>(*deadline - SteadyClock::now());
    return std::clamp(left, milliseconds(0), longest);
}

HttpClient::HttpClient(StoreOptions options, std::string shown_url)
    : options_(std::move(options)), shown_url_(std::move(shown_url)) {}

HttpExchange HttpClient::exchange(const HttpRequest& request, Deadline deadline) {
    auto transfer = borrow(deadline);
    if (!transfer) return {.reply = std::unexpected(transfer.error())};
    const auto limit = timeLeft(deadline, options_.timeout);
    HttpExchange exchange{
        .reply = fail(ErrorCode::TimedOut, fmt::format("metadata server {}: the deadline has passed", shown_url_))};
    if (limit.count() != 0) {
        (*transfer)->prepare(request, limit);
        exchange.reply = (*transfer)->perform();
        exchange.sent = (*transfer)->sent();
    }
    giveBack(std::move(*transfer));
    return exchange;
}

Result<std::unique_ptr<CurlTransfer>> HttpClient::borrow(Deadline deadline) {
    const auto until = SteadyClock::now() + timeLeft(deadline, options_.timeout);
    std::unique_lock lock(mutex_);
    if (!returned_.wait_until(lock, until, [this] { return borrowed_ < kMaxTransfers; })) {
        return fail(ErrorCode::TimedOut,
                    fmt::format("metadata server {}: {} requests are under way", shown_url_, kMaxTransfers));
    }
    ++borrowed_;
    if (idle_.empty()) {
        lock.unlock();
        auto opened = CurlTransfer::open(options_, shown_url_);
        if (!opened) giveBack(nullptr);
        return opened;
    }
    auto transfer = std::move(idle_.back());
    idle_.pop_back();
    return transfer;
}

void HttpClient::giveBack(std::unique_ptr<CurlTransfer> transfer) {
    const std::lock_guard lock(mutex_);
    --borrowed_;
    if (transfer) idle_.push_back(std::move(transfer));
    returned_.notify_one();
}

}  // namespace mc::metadata
