#include "metadata/redis_scan.h"

#include <algorithm>

#include "metadata/redis_errors.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kKeysAtOnce = "1000";
// Far more than as many keys take, and far less than what a liar could send.
constexpr std::uint64_t kMaxReply = 64 << 20;

bool isCursor(const RedisReply& reply) {
    return reply.kind == RedisReply::Kind::Text && !reply.text.empty() && reply.text.size() <= 20 &&
           std::ranges::all_of(reply.text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string redisPattern(std::string_view prefix) {
    std::string pattern;
    for (const char letter : prefix) {
        if (std::string_view("*?[]\\").contains(letter)) pattern += '\\';
        pattern += letter;
    }
    return pattern + '*';
}

RedisScan::RedisScan(RedisClient& client, std::string_view prefix)
    : client_(client), prefix_(prefix), pattern_(redisPattern(prefix)) {}

Result<std::vector<std::string>> RedisScan::next(Deadline deadline) {
    RedisQuestion question{.commands = {{"SCAN", cursor_, "MATCH", pattern_, "COUNT", kKeysAtOnce}},
                           .max_reply = kMaxReply};
    if (prefix_.empty()) question.commands.front() = {"SCAN", cursor_, "COUNT", kKeysAtOnce};
    auto reply = client_.askOne(question, deadline);
    if (!reply) return std::unexpected(reply.error());
    if (reply->items.size() != 2 || !isCursor(reply->items[0]) || reply->items[1].kind != RedisReply::Kind::Array)
        return std::unexpected(unexpectedReply(client_.server().shown));
    std::vector<std::string> keys;
    keys.reserve(reply->items[1].items.size());
    for (auto& item : reply->items[1].items) {
        if (item.kind != RedisReply::Kind::Text || !item.text.starts_with(prefix_))
            return std::unexpected(unexpectedReply(client_.server().shown));
        // A key may be empty there, but not here.
        if (!item.text.empty()) keys.push_back(std::move(item.text));
    }
    cursor_ = reply->items[0].text;
    ended_ = cursor_ == "0";
    return keys;
}

}  // namespace mc::metadata
