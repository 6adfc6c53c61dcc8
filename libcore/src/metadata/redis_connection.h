#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "base/futex.h"
#include "metadata/redis_reader.h"
#include "metadata/redis_server.h"

namespace mc::metadata {

/// Commands that are sent together, and what their replies may take.
struct RedisQuestion {
    std::vector<std::vector<std::string_view>> commands;
    std::uint64_t max_reply = 64 << 10;
    bool changes = false;  ///< May not be sent twice.
};

/// One connection to a Redis server, logged in. For one thread at a time.
///
/// The socket is ours and hiredis cuts the replies: its own blocking calls know one limit for each read instead of one
/// for all, and raise SIGPIPE.
class RedisConnection {
  public:
    /// Connects, and makes AUTH and SELECT as `server` says. Gives up once the descriptor `interrupt` is readable. A
    /// host's name is looked up for as long as the resolver takes.
    static Result<std::unique_ptr<RedisConnection>> open(const RedisServer& server, SteadyClock::time_point until,
                                                         int interrupt);

    /// A reply for each command. Unavailable if the connection is lost, TimedOut, Protocol, BadData for too long a
    /// reply; an error reply is a reply.
    Result<std::vector<RedisReply>> ask(const RedisQuestion& question, SteadyClock::time_point until);

    /// Whether the last question reached the server as far as can be told: then its change may have happened.
    bool wasSent() const { return unsent_.empty(); }
    /// False after an error, after a reply that may not come from a healthy master, or if the server has closed.
    bool isReusable() const;

  private:
    RedisConnection(const RedisServer& server, FileDescriptor socket, int interrupt)
        : server_(server), socket_(std::move(socket)), interrupt_(interrupt) {}
    Result<void> login(SteadyClock::time_point until);
    Result<std::vector<RedisReply>> exchange(const RedisQuestion& question, SteadyClock::time_point until);
    Result<short> wait(SteadyClock::time_point until) const;
    Result<void> send();
    Result<void> receive();
    std::unexpected<Error> lost(int number) const;

    const RedisServer& server_;
    FileDescriptor socket_;
    const int interrupt_;
    RedisReader reader_;
    std::string request_;
    std::string_view unsent_;  // The rest of it.
    bool spoilt_ = false;
};

}  // namespace mc::metadata
