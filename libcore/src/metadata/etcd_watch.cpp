#include "metadata/etcd_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/errors.h"
#include "metadata/etcd_replies.h"
#include "metadata/etcd_requests.h"

namespace mc::metadata::etcd {
namespace {

constexpr std::uint64_t kShortReply = 64 << 10;
// What comes at once may be many lines.
constexpr std::uint64_t kShortLines = 4 << 20;

}  // namespace

Result<std::unique_ptr<Watch>> EtcdWatch::open(Client& client, const Range& range, const StoreOptions& options,
                                               Deadline deadline) {
    const std::string what = fmt::format("watch {}", range.prefix);
    auto stream = client.stream({.path = "/v3/watch",
                                 .body = watchRequest(range.prefix, range.first),
                                 .repeatable = true,
                                 .max_reply = kShortLines + 2 * options.max_value},
                                deadline);
    if (!stream) return std::unexpected(wrap(what, stream.error()));
    const auto created = stream->lines->next(deadline);
    if (!created) return std::unexpected(wrap(what, created.error()));
    if (auto checked = checkCreated(created->value_or(""), range.prefix); !checked)
        return std::unexpected(checked.error());
    return std::unique_ptr<Watch>(new EtcdWatch(std::move(*stream), range, options));
}

EtcdWatch::EtcdWatch(Client::Stream stream, const Range& range, const StoreOptions& options)
    : prefix_(range.prefix),
      probe_after_(range.probe_after),
      url_(std::move(stream.url)),
      prober_(options, url_),
      lines_(std::move(stream.lines)),
      heard_(SteadyClock::now()) {}

Result<std::optional<Event>> EtcdWatch::next(Deadline deadline) {
    for (;;) {
        if (cancelled_.load()) return std::nullopt;
        if (!pending_.empty()) {
            Event event = std::move(pending_.front());
            pending_.pop_front();
            return event;
        }
        if (ended_) return std::unexpected(*ended_);
        if (auto taken = takeLine(deadline); !taken) {
            if (cancelled_.load()) return std::nullopt;
            if (taken.error().code == ErrorCode::TimedOut) return std::unexpected(taken.error());
            ended_ = taken.error();
        }
    }
}

void EtcdWatch::cancel() {
    cancelled_.store(true);
    lines_->cancel();
}

// Its changes, or a sign that the member lives. TimedOut only at the deadline.
Result<void> EtcdWatch::takeLine(Deadline deadline) {
    const auto probe_at = heard_ + probe_after_;
    const bool probing = !deadline || probe_at < *deadline;
    const auto line = lines_->next(probing ? Deadline(probe_at) : deadline);
    if (line) {
        heard_ = SteadyClock::now();
        if (!*line) return {};
        auto events = decodeEvents(**line, prefix_);
        if (!events) return std::unexpected(events.error());
        pending_.insert(pending_.end(), std::move_iterator(events->begin()), std::move_iterator(events->end()));
        return {};
    }
    const auto failed = [this](const Error& error) {
        return std::unexpected(wrap(fmt::format("watch {}", prefix_), error));
    };
    if (line.error().code != ErrorCode::TimedOut || !probing) return failed(line.error());
    if (auto alive = probe(deadline); !alive) return failed(alive.error());
    heard_ = SteadyClock::now();
    return {};
}

// Any answer will do. An end of the caller's patience says nothing about the member.
Result<void> EtcdWatch::probe(Deadline deadline) {
    const auto reply = prober_.send({.url = url_ + "/version", .max_reply = kShortReply}, deadline);
    if (reply) return {};
    if (reply.error().code == ErrorCode::TimedOut && deadline && SteadyClock::now() >= *deadline)
        return std::unexpected(reply.error());
    return fail(ErrorCode::Unavailable, reply.error().message, reply.error().hint);
}

}  // namespace mc::metadata::etcd
