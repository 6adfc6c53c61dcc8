#include "metadata/redis_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "metadata/redis_errors.h"

namespace mc::metadata {

Result<std::vector<RedisReply>> RedisClient::ask(const RedisQuestion& question, Deadline deadline) {
    auto until = SteadyClock::now() + server_.timeout;
    if (deadline) until = std::min(until, *deadline);
    for (bool again = !question.changes;; again = false) {
        auto connection = borrow(until);
        if (!connection) return std::unexpected(connection.error());
        auto replies = (*connection)->ask(question, until);
        const bool sent = (*connection)->wasSent();
        giveBack(std::move(*connection));
        if (replies) return replies;
        if (again && replies.error().code == ErrorCode::Unavailable) continue;
        if (question.changes && sent) replies.error().message += "; the change may have been made";
        return replies;
    }
}

Result<RedisReply> RedisClient::askOne(const RedisQuestion& question, Deadline deadline) {
    auto replies = ask(question, deadline);
    if (!replies) return std::unexpected(replies.error());
    if (replies->front().kind == RedisReply::Kind::Error)
        return std::unexpected(redisError(server_.shown, replies->front()));
    return std::move(replies->front());
}

Result<std::unique_ptr<RedisConnection>> RedisClient::borrow(SteadyClock::time_point until) {
    if (SteadyClock::now() >= until)
        return fail(ErrorCode::TimedOut, fmt::format("metadata server {}: the deadline has passed", server_.shown));
    std::unique_ptr<RedisConnection> kept;
    {
        std::unique_lock lock(mutex_);
        if (!returned_.wait_until(lock, until, [this] { return borrowed_ < kMaxConnections; })) {
            return fail(ErrorCode::TimedOut,
                        fmt::format("metadata server {}: {} requests are under way", server_.shown, kMaxConnections));
        }
        ++borrowed_;
        if (!idle_.empty()) {
            kept = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (kept && kept->isReusable()) return kept;
    auto opened = RedisConnection::open(server_, until, interrupt_);
    if (!opened) giveBack(nullptr);
    return opened;
}

void RedisClient::giveBack(std::unique_ptr<RedisConnection> connection) {
    if (connection && !connection->isReusable()) connection.reset();
    const std::lock_guard lock(mutex_);
    --borrowed_;
    if (connection) idle_.push_back(std::move(connection));
    returned_.notify_one();
}

}  // namespace mc::metadata
