#include "metadata/redis_watch.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "metadata/redis_process.h"

namespace mc::metadata {
namespace {

using testing::HasSubstr;

constexpr Deadline kNone = std::nullopt;

TEST(RedisWatch, SeesWhatHappensBelowItsPrefix) {
    const RedisProcess server;
    const auto store = server.store();
    server.cli("set a/0 before");
    const auto watch = store->watch("a/", kNone).value();
    const auto version = store->put("a/1", "x", Precondition::any(), kNone).value();
    server.cli("set b/1 elsewhere");
    server.cli("del a/0");
    std::set<std::string> changes;
    while (changes.size() < 2) {
        const auto event = watch->next(kNone).value();
        const bool put = event->kind == Event::Kind::Put;
        changes.insert((put ? "put " : "remove ") + event->item.key + event->item.value);
        EXPECT_EQ(event->item.version, put ? version : "");
    }
    EXPECT_THAT(changes, testing::ElementsAre("put a/1x", "remove a/0"));
    EXPECT_EQ(watch->next(SteadyClock::now()).error().code, ErrorCode::TimedOut);
    server.cli("set a/1 y");
    EXPECT_EQ(watch->next(kNone).value()->item.value, "y") << "a timeout ends nothing";
}

TEST(RedisWatch, CancelEndsAWaitingNext) {
    const RedisProcess server;
    const auto watch = server.store()->watch("", kNone).value();
    std::jthread canceller([&] { watch->cancel(); });
    EXPECT_EQ(watch->next(kNone).value(), std::nullopt);
    EXPECT_EQ(watch->next(kNone).value(), std::nullopt);
}

TEST(RedisWatch, OutlivesItsStore) {
    const RedisProcess server;
    auto store = server.store();
    const auto watch = store->watch("", kNone).value();
    store.reset();
    server.cli("set k v");
    EXPECT_EQ(watch->next(kNone).value()->item.key, "k");
}

TEST(RedisWatch, EndsWhenTheServerIsGone) {
    RedisProcess server;
    const auto watch = server.store()->watch("p", kNone).value();
    server.kill();
    const auto event = watch->next(kNone);
    EXPECT_EQ(event.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(event.error().message, HasSubstr("watch p: metadata server"));
    EXPECT_EQ(watch->next(kNone).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(server.store()->watch("p", kNone).error().code, ErrorCode::Unavailable);
}

TEST(RedisWatch, AServerThatStandsStillEndsItOnlyBetweenDeadlines) {
    const RedisProcess server;
    const auto watch = server.store({.timeout = std::chrono::seconds(2)})->watch("", kNone).value();
    server.stop();
    EXPECT_EQ(watch->next(SteadyClock::now() + std::chrono::milliseconds(1)).error().code, ErrorCode::TimedOut);
    EXPECT_EQ(watch->next(kNone).error().code, ErrorCode::Unavailable);
}

TEST(RedisWatch, EndsAtOnceWhileItWaitsForTheServer) {
    const RedisProcess server;
    auto watch = server.store({.timeout = std::chrono::hours(1)})->watch("", kNone).value();
    server.stop();
    EXPECT_EQ(watch->next(SteadyClock::now() + std::chrono::milliseconds(1100)).error().code, ErrorCode::TimedOut);
    watch.reset();
    SUCCEED() << "its thread has ended, an hour early";
}

TEST(RedisWatch, MoreChangesThanAQueueHoldsWaitForTheirReader) {
    const RedisProcess server;
    const auto watch = server.store()->watch("many/", kNone).value();
    constexpr std::size_t kMany = WatchQueue::kMaxPendingEvents + 5000;
    server.cli("eval \"for i = 1, " + std::to_string(kMany) + " do redis.call('set', 'many/' .. i, i) end\" 0");
    std::set<std::string> keys;
    while (keys.size() < kMany) {
        const auto event = watch->next(kNone);
        ASSERT_TRUE(event) << event.error().message;
        keys.insert((*event)->item.key);
    }
    EXPECT_EQ(watch->next(SteadyClock::now()).error().code, ErrorCode::TimedOut);
}

}  // namespace
}  // namespace mc::metadata
