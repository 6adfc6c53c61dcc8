#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "metadata/redis_client.h"

namespace mc::metadata {

/// All keys that begin with a prefix, as SCAN tells them: in no order, perhaps twice; each that exists all the time at
/// least once.
class RedisScan {
  public:
    RedisScan(RedisClient& client, std::string_view prefix);

    /// Some more; none is no sign of the end.
    Result<std::vector<std::string>> next(Deadline deadline);
    bool ended() const { return ended_; }

  private:
    RedisClient& client_;
    const std::string prefix_;
    const std::string pattern_;
    std::string cursor_ = "0";
    bool ended_ = false;
};

/// A pattern that matches what begins with `prefix`, whose every byte is meant literally.
std::string redisPattern(std::string_view prefix);

}  // namespace mc::metadata
