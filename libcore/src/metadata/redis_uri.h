#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::metadata {

/// Where a Redis server is: "redis://[user@]host[:port][/database]".
struct RedisUri {
    /// That of Redis, where Mooncake's own programs take their handshake port.
    static constexpr std::uint16_t kDefaultPort = 6379;

    std::string user;
    std::string host;  ///< Without brackets.
    std::uint16_t port = kDefaultPort;
    std::optional<int> database;

    /// InvalidArgument for anything else; a password, which does not belong there, is not repeated.
    static Result<RedisUri> parse(std::string_view text);
    /// For messages: "redis://127.0.0.1:6379", with the database where one was given.
    std::string shown() const;
};

}  // namespace mc::metadata
