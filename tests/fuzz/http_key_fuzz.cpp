// The parameters and conditions of a request from anywhere: never a crash, and what is understood keeps to the limits.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "metadata/server/request.h"

namespace {

using namespace mc::metadata::server;

constexpr std::size_t kMaxKeyBytes = 64;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// "key=a&prefix=b" in `text`, which is decoded in place and must stay.
Query queryIn(std::string& text) {
    Query query;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('&', begin), text.size());
        const std::size_t equals = std::min(text.find('=', begin), end);
        if (end < text.size()) text[end] = '\0';
        const std::string_view name(text.data() + begin, equals - begin);
        char* const value = text.data() + std::min(equals + 1, end);
        const std::size_t encoded = std::string_view(value).size();
        const std::size_t decoded = decodePercent(value);
        require(decoded <= encoded, "decoding made it longer");
        query.add(name, {value, decoded});
        begin = end + 1;
    }
    return query;
}

}  // namespace

// One line each: method, If-Match, If-None-Match (empty: not there), then the query.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const auto line = [&rest] {
        const std::string_view taken = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
        return taken;
    };
    const std::string_view method = line();
    const std::string_view match = line();
    const std::string_view none_match = line();
    std::string text(rest);
    Head head{.path = "/metadata", .query = queryIn(text)};
    head.method = static_cast<Method>(method.empty() ? 0 : static_cast<unsigned char>(method[0]) % 4);
    if (!match.empty()) head.conditions.if_match = match;
    if (!none_match.empty()) head.conditions.if_none_match = none_match;

    const auto request = understand(head, kMaxKeyBytes);
    if (!request) {
        require(request.error().status == 400 || request.error().status == 414, "an unknown refusal");
        require(!request.error().reason.empty(), "a refusal without a reason");
        return 0;
    }
    require(mc::isUtf8(request->key) && mc::isUtf8(request->after), "a key that is no UTF-8");
    require(request->key.size() <= kMaxKeyBytes && request->after.size() <= kMaxKeyBytes, "a key that is too long");
    require(request->limit >= 1 && request->limit <= Request::kMaxLimit, "a limit out of range");
    const bool of_key = request->verb != Request::Verb::List && request->verb != Request::Verb::Watch;
    require(!of_key || !request->key.empty(), "an empty key");
    for (const char digit : request->precondition.version)
        require(digit >= '0' && digit <= '9', "a version that is no number");
    return 0;
}
