#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "metadata/redis_connection.h"
#include "metadata/redis_server.h"

namespace mc::metadata {

/// Questions to one Redis server over at most kMaxConnections connections, which are kept, and made anew (with AUTH and
/// SELECT) when they are lost. From any thread; no lock is held while a question is under way.
class RedisClient {
  public:
    static constexpr std::size_t kMaxConnections = 8;

    /// Questions end with Unavailable once the descriptor `interrupt` is readable.
    explicit RedisClient(RedisServer server, int interrupt = -1) : server_(std::move(server)), interrupt_(interrupt) {}

    /// As RedisConnection::ask, TimedOut at the deadline or when it has taken RedisServer::timeout. What only reads is
    /// asked once more where the connection is lost; a lost answer to a change is an error that says that the change
    /// may have been made.
    Result<std::vector<RedisReply>> ask(const RedisQuestion& question, Deadline deadline);
    /// The one reply to one command; an error reply is an error.
    Result<RedisReply> askOne(const RedisQuestion& question, Deadline deadline);

    const RedisServer& server() const { return server_; }

  private:
    Result<std::unique_ptr<RedisConnection>> borrow(SteadyClock::time_point until);
    void giveBack(std::unique_ptr<RedisConnection> connection);

    const RedisServer server_;
    const int interrupt_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<std::unique_ptr<RedisConnection>> idle_;
    std::size_t borrowed_ = 0;
};

}  // namespace mc::metadata
