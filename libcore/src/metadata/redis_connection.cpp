#include "metadata/redis_connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/errors.h"
#include "base/units.h"
#include "io/socket.h"
#include "metadata/redis_errors.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBlock = 64 << 10;

milliseconds timeUntil(SteadyClock::time_point until) {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(until - SteadyClock::now()));
}

// After these the next call may find a server that is in a better state, or another one.
bool isOfUnfitServer(const RedisReply& reply) {
    return reply.kind == RedisReply::Kind::Error && !reply.isError("NOSCRIPT") && !reply.isError("WRONGTYPE");
}

}  // namespace

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisServer& server, SteadyClock::time_point until,
                                                               int interrupt) {
    const std::string context = fmt::format("metadata server {}", server.shown);
    const auto addresses = io::resolve(server.uri.host, server.uri.port);
    if (!addresses) return std::unexpected(wrap(context, addresses.error()));
    auto socket = io::connectTo(*addresses, std::min(server.connect_timeout, timeUntil(until)), interrupt);
    if (!socket) {
        Error error = wrap(context, socket.error());
        error.hint = error.code == ErrorCode::TimedOut
                         ? "the time limits are options (metadata_timeout, metadata_connect_timeout)"
                         : "is the metadata server running there?";
        return std::unexpected(std::move(error));
    }
    io::setNoDelay(*socket);
    io::setKeepAlive(*socket);
    std::unique_ptr<RedisConnection> connection(new RedisConnection(server, std::move(*socket), interrupt));
    if (auto done = connection->login(until); !done) return std::unexpected(done.error());
    return connection;
}

Result<void> RedisConnection::login(SteadyClock::time_point until) {
    RedisQuestion question;
    const std::string database = std::to_string(server_.database);
    if (server_.login && server_.user.empty()) question.commands.push_back({"AUTH", server_.password});
    if (server_.login && !server_.user.empty()) question.commands.push_back({"AUTH", server_.user, server_.password});
    if (server_.database != 0) question.commands.push_back({"SELECT", database});
    if (question.commands.empty()) return {};
    const auto replies = ask(question, until);
    if (!replies) return std::unexpected(replies.error());
    for (std::size_t i = 0; i < replies->size(); ++i) {
        const RedisReply& reply = (*replies)[i];
        if (reply.isStatus("OK")) continue;
        if (reply.kind != RedisReply::Kind::Error) return std::unexpected(unexpectedReply(server_.shown));
        const bool auth = server_.login && i == 0;
        return std::unexpected(auth ? redisLoginError(server_.shown, server_.user, reply)
                                    : redisError(server_.shown, reply));
    }
    return {};
}

bool RedisConnection::isReusable() const {
    if (spoilt_) return false;
    // Nothing was asked: what can be read is the end of the connection, or is no answer.
    pollfd waiting{socket_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 0;
}

Result<std::vector<RedisReply>> RedisConnection::ask(const RedisQuestion& question, SteadyClock::time_point until) {
    auto replies = exchange(question, until);
    // A server may answer, and close, before it has read the whole question.
    spoilt_ = !replies || !unsent_.empty() || reader_.hasRest() || std::ranges::any_of(*replies, isOfUnfitServer);
    if (!replies) return std::unexpected(wrap(fmt::format("metadata server {}", server_.shown), replies.error()));
    return replies;
}

Result<std::vector<RedisReply>> RedisConnection::exchange(const RedisQuestion& question,
                                                          SteadyClock::time_point until) {
    request_.clear();
    for (const auto& command : question.commands)
        request_ += encodeRedis(command);
    unsent_ = request_;
    std::vector<RedisReply> replies;
    for (;;) {
        auto reply = reader_.next(question.max_reply);
        if (!reply) return std::unexpected(reply.error());
        if (*reply) replies.push_back(std::move(**reply));
        if (replies.size() == question.commands.size()) return replies;
        if (*reply) continue;
        const auto ready = wait(until);
        if (!ready) return std::unexpected(ready.error());
        // First what has come: it may say why nothing more is taken.
        const auto moved = (*ready & (POLLIN | POLLHUP | POLLERR)) != 0 ? receive() : send();
        if (!moved) return std::unexpected(moved.error());
    }
}

Result<short> RedisConnection::wait(SteadyClock::time_point until) const {
    for (;;) {
        const auto left = timeUntil(until);
        if (left.count() == 0) {
            return fail(ErrorCode::TimedOut, "no answer in time",
                        "the time limits are options (metadata_timeout, metadata_connect_timeout)");
        }
        const auto events = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
        std::array<pollfd, 2> waiting{{{socket_.get(), events, 0}, {interrupt_, POLLIN, 0}}};
        const int ready =
            ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
        if (ready < 0 && errno != EINTR) return failErrno("poll", "", errno);
        if (ready > 0 && waiting[1].revents != 0) return fail(ErrorCode::Unavailable, "interrupted");
        if (ready > 0) return waiting[0].revents;
    }
}

Result<void> RedisConnection::send() {
    const auto sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
        unsent_.remove_prefix(static_cast<std::size_t>(sent));
        return {};
    }
    if (errno == EAGAIN || errno == EINTR) return {};
    return lost(errno);
}

Result<void> RedisConnection::receive() {
    std::array<char, kBlock> block;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto got = ::recv(socket_.get(), block.data(), block.size(), 0);
    if (got > 0) {
        reader_.feed({block.data(), static_cast<std::size_t>(got)});
        return {};
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    return lost(got == 0 ? 0 : errno);
}

std::unexpected<Error> RedisConnection::lost(int number) const {
    return fail(ErrorCode::Unavailable,
                number == 0 ? "it closed the connection" : std::generic_category().message(number));
}

}  // namespace mc::metadata
