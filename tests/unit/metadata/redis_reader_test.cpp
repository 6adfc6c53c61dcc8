#include "metadata/redis_reader.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using Kind = RedisReply::Kind;

constexpr std::uint64_t kLimit = 1000;

// All replies in `bytes`, fed in pieces of `size`.
std::vector<RedisReply> replies(std::string_view bytes, std::size_t size) {
    RedisReader reader;
    std::vector<RedisReply> all;
    while (!bytes.empty()) {
        reader.feed(bytes.substr(0, size));
        bytes.remove_prefix(std::min(size, bytes.size()));
        for (;;) {
            auto reply = reader.next(kLimit);
            EXPECT_TRUE(reply);
            if (!reply || !*reply) break;
            all.push_back(std::move(**reply));
        }
    }
    EXPECT_FALSE(reader.hasRest());
    return all;
}

Error errorOf(std::string_view bytes, std::uint64_t limit = kLimit) {
    RedisReader reader;
    reader.feed(bytes);
    for (;;) {
        const auto reply = reader.next(limit);
        if (!reply) return reply.error();
        if (!*reply) return {};
    }
}

TEST(RedisReader, CutsRepliesWhereverTheyAreSplit) {
    const std::string bytes =
        "+OK\r\n:-7\r\n$-1\r\n$3\r\na\0\r\r\n*2\r\n$1\r\n0\r\n*2\r\n$1\r\nk\r\n$-1\r\n-ERR x\r\n*0\r\n"s;
    for (const std::size_t size : {1, 2, 3, 7, 100}) {
        const auto all = replies(bytes, size);
        ASSERT_EQ(all.size(), 7U);
        EXPECT_TRUE(all[0].isStatus("OK"));
        EXPECT_EQ(all[1].integer, -7);
        EXPECT_EQ(all[2].kind, Kind::Nil);
        EXPECT_EQ(all[3].kind, Kind::Text);
        EXPECT_EQ(all[3].text, std::string("a\0\r", 3));
        ASSERT_EQ(all[4].items.size(), 2U);
        EXPECT_EQ(all[4].items[1].items[0].text, "k");
        EXPECT_EQ(all[4].items[1].items[1].kind, Kind::Nil);
        EXPECT_TRUE(all[5].isError("ERR"));
        EXPECT_EQ(all[6].kind, Kind::Array);
    }
}

TEST(RedisReader, WhatIsNoReplyBreaksTheProtocol) {
    for (const auto* bytes :
         {"HTTP/1.1 400 Bad Request\r\n", "\x16\x03\x01", ":x\r\n", "$-2\r\n", "$x\r\n", "*-5\r\n"}) {
        EXPECT_EQ(errorOf(bytes).code, ErrorCode::Protocol) << bytes;
    }
    EXPECT_THAT(errorOf("SSH-2.0\r\n").message, HasSubstr("not Redis"));
}

TEST(RedisReader, TakesNoMemoryForWhatIsOnlyAnnounced) {
    EXPECT_EQ(errorOf("*1000000000\r\n").code, ErrorCode::Protocol);
    EXPECT_THAT(errorOf("*65537\r\n").message, HasSubstr("too many elements"));
    EXPECT_EQ(errorOf("$9000000000\r\nx").message, "") << "nothing yet";
}

TEST(RedisReader, ALongReplyIsAnErrorBeforeItsEnd) {
    const std::string long_value(1001, 'x');
    EXPECT_EQ(errorOf("$1001\r\n" + long_value + "\r\n").code, ErrorCode::BadData);
    EXPECT_EQ(errorOf("$9000000000\r\n" + long_value).code, ErrorCode::BadData);
    EXPECT_EQ(errorOf("+" + long_value).code, ErrorCode::BadData);
    EXPECT_THAT(
        errorOf("*2\r\n$600\r\n" + long_value.substr(0, 600) + "\r\n$600\r\n" + long_value.substr(0, 600)).message,
        HasSubstr("longer than 1000 bytes"));
    EXPECT_EQ(errorOf("$1000\r\n" + long_value.substr(0, 1000) + "\r\n").message, "");
}

TEST(RedisReader, EncodesAnyBytes) {
    const std::vector<std::string_view> command{"SET", std::string_view("k\0\r\n", 4), ""};
    EXPECT_EQ(encodeRedis(command), "*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n"s);
}

}  // namespace
}  // namespace mc::metadata
