#include "metadata/redis_values.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "metadata/redis_errors.h"

namespace mc::metadata {
namespace {

constexpr std::uint64_t kOfManyShortOnes = 1 << 20;

}  // namespace

Result<std::vector<std::optional<std::string>>> redisValues(RedisClient& client, std::span<const std::string> keys,
                                                            std::uint64_t max_value, Deadline deadline) {
    for (std::size_t count = keys.size();; count /= 2) {
        RedisQuestion question{.commands = {{"MGET"}}, .max_reply = max_value + kOfManyShortOnes};
        for (const auto& key : keys.first(count))
            question.commands.front().emplace_back(key);
        auto reply = client.askOne(question, deadline);
        // Fewer may fit.
        if (!reply && reply.error().code == ErrorCode::BadData && count > 1) continue;
        if (!reply) return std::unexpected(reply.error());
        if (reply->kind != RedisReply::Kind::Array || reply->items.size() != count)
            return std::unexpected(unexpectedReply(client.server().shown));
        std::vector<std::optional<std::string>> values;
        for (auto& item : reply->items) {
            if (item.kind != RedisReply::Kind::Text && item.kind != RedisReply::Kind::Nil)
                return std::unexpected(unexpectedReply(client.server().shown));
            if (item.text.size() > max_value) {
                return fail(ErrorCode::BadData,
                            fmt::format("{}: its value is longer than {} bytes", keys[values.size()], max_value),
                            "the longest value to accept is an option (metadata_max_value)");
            }
            values.push_back(item.kind == RedisReply::Kind::Nil ? std::nullopt : std::optional(std::move(item.text)));
        }
        return values;
    }
}

}  // namespace mc::metadata
