#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"

#include "metadata/redis_client.h"

namespace mc::metadata {

/// The values of the first of `keys`, at least of one, and of as many as make no reply much longer than `max_value`;
/// nothing for a key that is gone, or that holds something else than a plain value. BadData for a longer value.
Result<std::vector<std::optional<std::string>>> redisValues(RedisClient& client, std::span<const std::string> keys,
                                                            std::uint64_t max_value, Deadline deadline);

}  // namespace mc::metadata
