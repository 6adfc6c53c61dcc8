#include "metadata/redis_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace mc::metadata {
namespace {

constexpr std::size_t kLongestQuote = 200;

// The first line, as far as it can be shown.
std::string shown(std::string_view text) {
    std::string line(text.substr(0, std::min(text.find_first_of("\r\n"), kLongestQuote)));
    std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return line;
}

struct Known {
    std::string_view begin;  ///< Of what the server says.
    ErrorCode code;
    std::string_view problem;
    std::string_view hint;
};

constexpr std::string_view kCredentials =
    "set MC_REDIS_PASSWORD (and MC_REDIS_USERNAME), or name a file with --metadata_password_file";
constexpr std::string_view kCluster = "name a server, or a proxy, that is not in cluster mode";
constexpr std::string_view kLater = "try again in a moment";

constexpr auto kKnown = std::to_array<Known>({
    {"NOAUTH", ErrorCode::NotPermitted, "it wants a password", kCredentials},
    {"WRONGPASS", ErrorCode::NotPermitted, "it refuses the user or the password", kCredentials},
    {"NOPERM", ErrorCode::NotPermitted, "its access list does not allow this", "ACL SETUSER changes what a user may"},
    {"DENIED", ErrorCode::NotPermitted, "it serves its own machine only", "its protected-mode wants a password"},
    {"READONLY", ErrorCode::NotPermitted, "it is a read-only replica", "name its master"},
    {"LOADING", ErrorCode::Unavailable, "it is still loading its data", kLater},
    {"MASTERDOWN", ErrorCode::Unavailable, "it is a replica that has lost its master", kLater},
    {"CLUSTERDOWN", ErrorCode::Unavailable, "its cluster is down", kLater},
    {"BUSY ", ErrorCode::Unavailable, "it is busy with a script", kLater},
    {"ERR max number of clients", ErrorCode::Unavailable, "it takes no more connections",
     "its maxclients says how many"},
    {"NOREPLICAS", ErrorCode::Unavailable, "it has too few replicas to write", kLater},
    {"MOVED", ErrorCode::Unsupported, "the key is on another server of its cluster", kCluster},
    {"ASK ", ErrorCode::Unsupported, "the key is on another server of its cluster", kCluster},
    {"CROSSSLOT", ErrorCode::Unsupported, "it is in cluster mode", kCluster},
    {"TRYAGAIN", ErrorCode::Unsupported, "it is in cluster mode", kCluster},
    {"ERR unknown command", ErrorCode::Unsupported, "it does not know the command", "is it Redis?"},
    {"OOM", ErrorCode::Full, "it has no memory left", "its maxmemory says how much it may take"},
    {"MISCONF", ErrorCode::Io, "it can't save its data", "its log tells why"},
    {"WRONGTYPE", ErrorCode::BadData, "the key holds no plain value", "another program has made it"},
    {"ERR DB index", ErrorCode::Config, "it has no database of this number", "its databases option says how many"},
    {"ERR invalid DB index", ErrorCode::Config, "it has no database of this number",
     "its databases option says how many"},
    {"ERR SELECT is not allowed in cluster mode", ErrorCode::Config, "in cluster mode there is only database 0", ""},
});

const Known* find(const RedisReply& reply) {
    const auto* const found =
        std::ranges::find_if(kKnown, [&](const Known& known) { return reply.text.starts_with(known.begin); });
    return found == kKnown.end() ? nullptr : found;
}

}  // namespace

Error redisError(std::string_view server, const RedisReply& reply) {
    const auto* const known = find(reply);
    if (known == nullptr) {
        return {ErrorCode::Protocol, fmt::format("metadata server {}: it answers {}", server, shown(reply.text)),
                "is it Redis?"};
    }
    return {known->code, fmt::format("metadata server {}: {} ({})", server, known->problem, shown(reply.text)),
            std::string(known->hint)};
}

Error redisLoginError(std::string_view server, std::string_view user, const RedisReply& reply) {
    const auto make = [&](ErrorCode code, std::string_view problem, std::string_view hint) {
        return Error{code, fmt::format("metadata server {}: {}", server, problem), std::string(hint)};
    };
    const bool without_password = reply.text.contains("without any password");  // Of Redis before 6, "no password".
    if (without_password || reply.text.contains("no password is set"))
        return make(ErrorCode::NotPermitted, "it has no password, but one was given", "leave out the password");
    if (reply.text.starts_with("ERR wrong number of arguments"))
        return make(ErrorCode::Unsupported, "it knows no users", "Redis does from version 6; leave out the user");
    if (const auto* const known = find(reply); known != nullptr && known->code == ErrorCode::Unavailable)
        return make(known->code, known->problem, known->hint);
    if (reply.text.starts_with("ERR unknown command"))
        return make(ErrorCode::Unsupported, "it knows no passwords", "is it Redis?");
    return make(
        ErrorCode::NotPermitted,
        user.empty() ? "it refuses the password" : fmt::format("it refuses user {} or the password", shown(user)),
        kCredentials);
}

Error unexpectedReply(std::string_view server) {
    return {ErrorCode::Protocol, fmt::format("metadata server {}: a reply that does not fit the question", server),
            "is it Redis?"};
}

}  // namespace mc::metadata
