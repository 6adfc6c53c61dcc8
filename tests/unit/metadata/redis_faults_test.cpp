#include <gmock/gmock.h>

#include "black_hole.h"
#include "metadata/redis_store.h"
#include "metadata/scripted_redis_server.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr Deadline kNone = std::nullopt;
const StoreOptions kSoon{.timeout = milliseconds(300)};

std::unique_ptr<Store> storeAt(const ScriptedRedisServer& server, const StoreOptions& options = {}) {
    return RedisStore::open(server.uri(), options).value();
}

Error errorOf(const std::string& reply, StoreOptions options = {.timeout = std::chrono::seconds(20)}) {
    const ScriptedRedisServer server([&](const std::string&) { return reply; });
    options.connect_timeout = std::chrono::seconds(20);
    const auto got = storeAt(server, options)->get("k", kNone);
    EXPECT_FALSE(got) << reply;
    return got ? Error{} : got.error();
}

TEST(RedisFaults, GarbageBreaksTheProtocol) {
    for (const auto* reply : {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x03\x02\x02\n", "+OK\r\n", ":1\r\n",
                              "*0\r\n", "*1\r\n$1\r\nx\r\n", "$-7\r\n", "-ERR something new\r\n", "*1000000000\r\n",
                              "*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n*2\r\n:1\r\n"}) {
        const auto error = errorOf(reply);
        EXPECT_EQ(error.code, ErrorCode::Protocol) << reply << ": " << error.message;
        EXPECT_THAT(error.message, HasSubstr("get k: metadata server redis://127.0.0.1:")) << reply;
    }
}

TEST(RedisFaults, HalfAReplyAndNoneTimeOut) {
    EXPECT_EQ(errorOf("$5\r\nhal", kSoon).code, ErrorCode::TimedOut);
    EXPECT_EQ(errorOf("$99999999999\r\n", kSoon).code, ErrorCode::TimedOut);
    EXPECT_EQ(errorOf("+", kSoon).code, ErrorCode::TimedOut);
    const ScriptedRedisServer silent([](const std::string&) { return std::nullopt; });
    const auto store = storeAt(silent, {.timeout = std::chrono::minutes(10)});
    EXPECT_EQ(store->get("k", SteadyClock::now() + milliseconds(50)).error().code, ErrorCode::TimedOut);
    const auto before = silent.received();
    EXPECT_EQ(store->get("k", SteadyClock::now() - milliseconds(1)).error().code, ErrorCode::TimedOut);
    EXPECT_EQ(silent.received(), before);
}

TEST(RedisFaults, AServerThatTakesNoConnectionIsGivenUp) {
    const test::BlackHole hole;
    const auto store =
        RedisStore::open("redis://" + hole.address().toString(), {.connect_timeout = milliseconds(50)}).value();
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::TimedOut);
}

TEST(RedisFaults, ALongReplyIsAnErrorThatNamesTheLimit) {
    const auto error = errorOf("$99999999999\r\n" + std::string(2000, 'x'), {.max_value = 1000});
    EXPECT_EQ(error.code, ErrorCode::BadData);
    EXPECT_THAT(error.message, HasSubstr("longer than 1000 bytes"));
}

TEST(RedisFaults, ErrorRepliesHaveTheirCodes) {
    const std::vector<std::pair<std::string, ErrorCode>> cases{
        {"-LOADING Redis is loading the dataset in memory", ErrorCode::Unavailable},
        {"-MASTERDOWN Link with MASTER is down", ErrorCode::Unavailable},
        {"-CLUSTERDOWN The cluster is down", ErrorCode::Unavailable},
        {"-BUSY Redis is busy running a script", ErrorCode::Unavailable},
        {"-ERR max number of clients reached", ErrorCode::Unavailable},
        {"-MOVED 3999 127.0.0.1:6381", ErrorCode::Unsupported},
        {"-ASK 3999 127.0.0.1:6381", ErrorCode::Unsupported},
        {"-ERR unknown command 'GET'", ErrorCode::Unsupported},
        {"-OOM command not allowed when used memory > 'maxmemory'.", ErrorCode::Full},
        {"-MISCONF Redis is configured to save RDB snapshots", ErrorCode::Io},
        {"-DENIED Redis is running in protected mode", ErrorCode::NotPermitted},
        {"-NOPERM this user has no permissions", ErrorCode::NotPermitted},
        {"-NOAUTH Authentication required.", ErrorCode::NotPermitted},
        {"-READONLY You can't write against a read only replica.", ErrorCode::NotPermitted}};
    for (const auto& [reply, code] : cases) {
        const auto error = errorOf(reply + "\r\n");
        EXPECT_EQ(error.code, code) << reply << ": " << error.message;
        EXPECT_THAT(error.message, HasSubstr(reply.substr(1, 8)));
    }
    const auto odd = errorOf("-\x1b[31mred\x07 alert\r\n");
    EXPECT_THAT(odd.message, HasSubstr("?[31mred? alert"));
}

TEST(RedisFaults, APasswordThatTheServerQuotesIsNotRepeated) {
    for (const auto* reply : {"-ERR unknown command `AUTH`, with args beginning with: `s3cret`, \r\n",
                              "-WRONGPASS s3cret\r\n", "-s3cret\r\n", "-ERR invalid password s3cret\r\n"}) {
        const auto error = errorOf(reply, {.redis_password = "s3cret"});
        EXPECT_THAT(error.message + error.hint, Not(HasSubstr("s3cret"))) << reply;
        EXPECT_THAT(error.code, testing::AnyOf(ErrorCode::NotPermitted, ErrorCode::Unsupported)) << reply;
    }
    EXPECT_EQ(errorOf(":1\r\n", {.redis_password = "s3cret"}).code, ErrorCode::Protocol);
}

TEST(RedisFaults, AReadIsRepeatedOnceAndAChangeNever) {
    std::atomic<int> asked = 0;
    const ScriptedRedisServer server(
        [&](const std::string&) { return std::optional<std::string>(asked++ == 0 ? "" : "$1\r\nv\r\n"); });
    EXPECT_EQ(storeAt(server)->get("k", kNone)->value, "v");
    EXPECT_EQ(server.received(), 2);
    const ScriptedRedisServer closing([](const std::string&) { return std::string(); });
    const auto store = storeAt(closing);
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(closing.received(), 2);
    const auto put = store->put("k", "v", Precondition::any(), kNone).error();
    EXPECT_EQ(put.code, ErrorCode::Unavailable);
    EXPECT_THAT(put.message, HasSubstr("the change may have been made"));
    EXPECT_EQ(closing.received(), 3);
    EXPECT_THAT(store->remove("k", Precondition::any(), kNone).error().message, HasSubstr("may have been made"));
    EXPECT_THAT(store->put("k", "v", Precondition::atVersion("1"), kNone).error().message,
                HasSubstr("may have been made"));
    EXPECT_EQ(closing.received(), 5);
}

TEST(RedisFaults, AReplyTooManyIsNotTakenForTheNextAnswer) {
    std::atomic<int> asked = 0;
    const ScriptedRedisServer server([&](const std::string&) {
        return std::optional<std::string>(asked++ == 0 ? "$3\r\none\r\n$6\r\nsecond\r\n" : "$3\r\ntwo\r\n");
    });
    const auto store = storeAt(server);
    EXPECT_EQ(store->get("k", kNone)->value, "one");
    EXPECT_EQ(store->get("k", kNone)->value, "two");
}

TEST(RedisFaults, ListingsThatMakeNoSenseAreRefused) {
    for (const auto* reply :
         {"*0\r\n", "$1\r\nx\r\n", "*2\r\n$1\r\nx\r\n*0\r\n", "*2\r\n:0\r\n*0\r\n", "*2\r\n$1\r\n0\r\n$1\r\nk\r\n",
          "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", "*2\r\n$1\r\n0\r\n*1\r\n$5\r\nother\r\n", "*1\r\n$1\r\n0\r\n"}) {
        const ScriptedRedisServer server([&](const std::string&) { return std::string(reply); });
        const auto page = storeAt(server)->list("k", 10, "", kNone);
        ASSERT_FALSE(page) << reply;
        EXPECT_EQ(page.error().code, ErrorCode::Protocol) << reply;
    }
    const ScriptedRedisServer endless([&](const std::string&) { return std::string("*2\r\n$1\r\n7\r\n*0\r\n"); });
    EXPECT_EQ(storeAt(endless)->list("k", 10, "", SteadyClock::now() + milliseconds(100)).error().code,
              ErrorCode::TimedOut);
}

}  // namespace
}  // namespace mc::metadata
