// What a Redis server says, from anywhere, cut anywhere: never a crash, never more memory than allowed, and the same
// replies however it comes. The first byte tells the size of the pieces.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "metadata/redis_errors.h"
#include "metadata/redis_reader.h"
#include "metadata/redis_uri.h"

namespace {

using namespace mc::metadata;

constexpr std::uint64_t kLimit = 4096;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

std::string describe(const RedisReply& reply) {
    std::string text = std::to_string(static_cast<int>(reply.kind)) + std::to_string(reply.integer) + reply.text;
    for (const auto& item : reply.items)
        text += "(" + describe(item) + ")";
    return text;
}

// The replies, up to the error.
std::string read(std::string_view bytes, std::size_t size) {
    RedisReader reader;
    std::string all;
    while (!bytes.empty()) {
        reader.feed(bytes.substr(0, size));
        bytes.remove_prefix(std::min(size, bytes.size()));
        for (;;) {
            const auto reply = reader.next(kLimit);
            if (!reply) return all;
            if (!*reply) break;
            require((*reply)->text.size() <= kLimit, "a longer reply than allowed");
            require(redisError("s", **reply).message.size() < 600, "a message without bounds");
            require(!redisLoginError("s", "", **reply).message.empty(), "an error without a message");
            all += describe(**reply) + "\n";
        }
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    // What is too long is noticed later in larger pieces.
    if (text.size() <= kLimit)
        require(read(text, 1U + data[0]) == read(text, text.size()), "pieces change the replies");
    static_cast<void>(read(text, 1U + data[0]));
    static_cast<void>(RedisUri::parse("redis://" + std::string(text)));
    return 0;
}
