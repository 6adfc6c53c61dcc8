#pragma once

#include <chrono>
#include <string>

#include "metadata/redis_uri.h"

namespace mc::metadata {

/// A Redis server, who to be there, and how patient to be.
struct RedisServer {
    RedisUri uri;
    std::string user;
    std::string password;
    bool login = false;  ///< Whether to say who we are: also a user without a password may have to.
    int database = 0;
    std::chrono::milliseconds connect_timeout{1500};
    std::chrono::milliseconds timeout{3000};  ///< Of one question, connecting included.
    std::string shown;                        ///< For messages.
};

}  // namespace mc::metadata
