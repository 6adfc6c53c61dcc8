#include "metadata/http_watch.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "metadata/http_replies.h"

namespace mc::metadata {
namespace {

// Four of the server's heartbeats.
constexpr std::chrono::milliseconds kLongestSilence{20000};
// What comes at once may be many short lines.
constexpr std::uint64_t kShortLines = 4 << 20;

}  // namespace

Result<std::unique_ptr<Watch>> HttpWatch::open(const HttpUrl& url, std::string_view prefix, const StoreOptions& options,
                                               Deadline deadline) {
    const HttpRequest request{.url = url.with("watch", prefix),
                              .max_reply = kShortLines + kMostEscaped * options.max_value};
    auto lines = HttpLines::open(request, options, url.shown(), kLongestSilence, deadline);
    if (!lines) return std::unexpected(wrap(fmt::format("watch {}", prefix), lines.error()));
    const HttpReply reply = (*lines)->reply();
    if (!reply.extended) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("watch {}: metadata server {} can't: it is not mc-meta serve", prefix, url.shown()));
    }
    if (reply.status != 200)
        return std::unexpected(errorOf({.operation = "watch", .key = prefix, .shown_url = url.shown()}, reply));
    const auto first = (*lines)->next(deadline);
    if (!first) return std::unexpected(first.error());
    if (auto checked = checkWatching(first->value_or(""), prefix); !checked) return std::unexpected(checked.error());
    return std::unique_ptr<Watch>(new HttpWatch(std::move(*lines), prefix));
}

Result<std::optional<Event>> HttpWatch::next(Deadline deadline) {
    if (ended_) return std::unexpected(*ended_);
    auto line = lines_->next(deadline);
    if (!line) {
        auto error = wrap(fmt::format("watch {}", prefix_), line.error());
        if (error.code != ErrorCode::TimedOut) ended_ = error;
        return std::unexpected(std::move(error));
    }
    if (!*line) return std::nullopt;
    auto change = decodeChange(**line, prefix_);
    if (change) return std::move(*change);
    ended_ = change.error();
    return std::unexpected(*ended_);
}

}  // namespace mc::metadata
