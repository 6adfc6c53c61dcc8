#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "metadata/redis_reply.h"

namespace mc::metadata {

/// A command and its arguments; any bytes.
using RedisCommand = std::span<const std::string_view>;

/// The bytes of a command on the wire.
std::string encodeRedis(RedisCommand command);

/// Cuts what a Redis server sends into replies.
class RedisReader {
  public:
    /// Most elements of one reply, however they are nested.
    static constexpr std::size_t kMaxElements = 65536;

    RedisReader();
    ~RedisReader();
    RedisReader(const RedisReader&) = delete;
    RedisReader& operator=(const RedisReader&) = delete;

    /// The next whole reply, nothing if more bytes are needed. Protocol for what is no reply; BadData for one that
    /// takes more than `max_bytes`. After an error the stream has lost its place, and is to be closed.
    Result<std::optional<RedisReply>> next(std::uint64_t max_bytes);
    void feed(std::string_view bytes);
    /// Whether something was fed that belongs to no reply that was taken.
    bool hasRest() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mc::metadata
