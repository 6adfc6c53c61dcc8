#include "metadata/redis_uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/address.h"
#include "base/errors.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kScheme = "redis://";

// What is wrong is told without the text, which may hold a password.
std::unexpected<Error> refuse(std::string_view problem, std::string hint = {}) {
    return fail(ErrorCode::InvalidArgument, fmt::format("metadata server redis://: {}", problem),
                hint.empty() ? "it is redis://[USER@]HOST[:PORT][/DATABASE]" : std::move(hint));
}

}  // namespace

Result<RedisUri> RedisUri::parse(std::string_view text) {
    if (!text.starts_with(kScheme)) return refuse("another scheme");
    text.remove_prefix(kScheme.size());
    RedisUri uri;
    // The last one: a password that has an '@' is refused as a whole.
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const auto user = text.substr(0, at);
        if (user.contains(':')) {
            return refuse("a password does not belong in the URI",
                          "set MC_REDIS_PASSWORD, or name a file that has it with --metadata_password_file");
        }
        if (user.empty()) return refuse("the user's name is empty");
        if (user.contains('/')) return refuse("a '/' in the user's name");
        uri.user = user;
        text.remove_prefix(at + 1);
    }
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        const auto number = text.substr(slash + 1);
        text = text.substr(0, slash);
        int database = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), database);
        const bool read = error == std::errc{} && end == number.data() + number.size() && database >= 0;
        if (!number.empty() && !read) return refuse("the database is a number, such as /0");
        if (!number.empty()) uri.database = database;
    }
    if (text.contains(',') || text.contains(';')) return refuse("more than one server");
    const bool plain = std::ranges::none_of(
        text, [](unsigned char c) { return c <= ' ' || c == '?' || c == '#' || c == 0x7f || c == '"'; });
    if (!plain) return refuse("a character that no address has");
    const auto address = parseHostPort(text);
    if (!address) return refuse(address.error().message, address.error().hint);
    if (address->port == 0) return refuse("port 0");
    if (address->host.contains(':') && !isIpv6(address->host)) return refuse("no address", "IPv6 stands in brackets");
    uri.host = address->host;
    uri.port = address->port.value_or(kDefaultPort);
    return uri;
}

std::string RedisUri::shown() const {
    const std::string address = fmt::format("redis://{}", formatHostPort(host, port));
    return database ? fmt::format("{}/{}", address, *database) : address;
}

}  // namespace mc::metadata
