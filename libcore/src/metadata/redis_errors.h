#pragma once

#include <string_view>

#include "mc/error.h"

#include "metadata/redis_reply.h"

namespace mc::metadata {

/// The error that an error reply stands for. `server` is the server as messages show it.
Error redisError(std::string_view server, const RedisReply& reply);

/// The same of an AUTH. What the server says is not repeated: it may quote the password.
Error redisLoginError(std::string_view server, std::string_view user, const RedisReply& reply);

/// A reply that the protocol knows, but not to this question.
Error unexpectedReply(std::string_view server);

}  // namespace mc::metadata
