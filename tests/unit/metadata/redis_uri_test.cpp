#include "metadata/redis_uri.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedisUri, APortThatIsMissingIsThatOfRedis) {
    const auto uri = RedisUri::parse("redis://node1").value();
    EXPECT_EQ(uri.host, "node1");
    EXPECT_EQ(uri.port, 6379);
    EXPECT_EQ(uri.user, "");
    EXPECT_EQ(uri.database, std::nullopt);
    EXPECT_EQ(uri.shown(), "redis://node1:6379");
}

TEST(RedisUri, HasUserPortAndDatabase) {
    const auto uri = RedisUri::parse("redis://me@10.0.0.1:7000/12").value();
    EXPECT_EQ(uri.user, "me");
    EXPECT_EQ(uri.host, "10.0.0.1");
    EXPECT_EQ(uri.port, 7000);
    EXPECT_EQ(uri.database, 12);
    EXPECT_EQ(uri.shown(), "redis://10.0.0.1:7000/12");
    EXPECT_EQ(RedisUri::parse("redis://h/").value().database, std::nullopt);
    EXPECT_EQ(RedisUri::parse("redis://h/0").value().database, 0);
}

TEST(RedisUri, Ipv6StandsInBrackets) {
    const auto uri = RedisUri::parse("redis://[::1]:7000").value();
    EXPECT_EQ(uri.host, "::1");
    EXPECT_EQ(uri.port, 7000);
    EXPECT_EQ(uri.shown(), "redis://[::1]:7000");
    EXPECT_EQ(RedisUri::parse("redis://[fe80::1%eth0]").value().host, "fe80::1%eth0");
    EXPECT_THAT(RedisUri::parse("redis://::1:7000000").error().message, HasSubstr("no address"));
}

TEST(RedisUri, APasswordIsRefusedAndNotRepeated) {
    for (const auto* text : {"redis://user:secret@host", "redis://:secret@host:1/2", "redis://u:sec/secret@host",
                             "redis://u:se@secret@host", "redis://u:secret@", "redis://u:secret@host:99999"}) {
        const auto uri = RedisUri::parse(text);
        ASSERT_FALSE(uri) << text;
        EXPECT_EQ(uri.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(uri.error().message + uri.error().hint, Not(HasSubstr("secret"))) << text;
        EXPECT_THAT(uri.error().hint, HasSubstr("MC_REDIS_PASSWORD")) << text;
    }
}

TEST(RedisUri, RefusesEverythingElse) {
    for (const auto* text :
         {"redis://",          "redis://:1",   "redis://h:",      "redis://h:x",    "redis://h:65536",
          "redis://h:0",       "redis://h/x",  "redis://h/-1",    "redis://h/1/2",  "redis://h/99999999999",
          "redis://@h",        "redis://a,b",  "redis://a:1;b:2", "redis://h?db=1", "redis://h#1",
          "redis://two words", "redis://[::1", "redis://a/b@h",   "rediss://h",     "h"}) {
        EXPECT_EQ(RedisUri::parse(text).error().code, ErrorCode::InvalidArgument) << text;
    }
    EXPECT_FALSE(RedisUri::parse(std::string_view("redis://h\0x", 11)));
}

}  // namespace
}  // namespace mc::metadata
