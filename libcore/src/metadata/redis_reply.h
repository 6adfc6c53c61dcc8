#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mc::metadata {

/// What a Redis server has answered.
struct RedisReply {
    enum class Kind {
        Nil,
        Integer,
        Text,    ///< A value, any bytes.
        Status,  ///< "OK".
        Error,   ///< "WRONGTYPE Operation against a key ...".
        Array,
    };
    Kind kind = Kind::Nil;
    std::int64_t integer = 0;
    std::string text;
    std::vector<RedisReply> items;

    bool isStatus(std::string_view word) const { return kind == Kind::Status && text == word; }
    bool isError(std::string_view code) const { return kind == Kind::Error && text.starts_with(code); }
};

}  // namespace mc::metadata
