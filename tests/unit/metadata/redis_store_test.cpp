#include "metadata/redis_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "metadata/content_version.h"
#include "metadata/redis_process.h"
#include "metadata/redis_scan.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Deadline kNone = std::nullopt;
constexpr char kOddBytes[] = "a b*?[x]\\{}\n\r\t\"'$\0\xff\xc3\xa4/:";
const std::string kOdd(kOddBytes, sizeof(kOddBytes) - 1);

class RedisStoreTest : public testing::Test {
  protected:
    std::string put(std::string_view key, std::string_view value) {
        return store_->put(key, value, Precondition::any(), kNone).value();
    }
    std::vector<std::string> keys(std::string_view prefix, std::size_t limit) {
        std::vector<std::string> all;
        std::string after;
        do {
            const auto page = store_->list(prefix, limit, after, kNone);
            EXPECT_TRUE(page) << page.error().message;
            if (!page) break;
            EXPECT_LE(page->items.size(), limit);
            for (const auto& item : page->items)
                all.push_back(item.key);
            after = page->continuation;
        } while (!after.empty());
        return all;
    }

    RedisProcess server_;
    std::unique_ptr<Store> store_ = server_.store();
};

TEST_F(RedisStoreTest, ValuesAreThereAsTheyAreHereAndTheOtherWayRound) {
    const std::string value("a\0b\r\n\xff", 6);
    put("mooncake/ram/n:1", value);
    EXPECT_EQ(store_->get("mooncake/ram/n:1", kNone)->value, value);
    EXPECT_EQ(server_.cli("--raw get mooncake/ram/n:1"), value + "\n");
    EXPECT_EQ(server_.cli("type mooncake/ram/n:1"), "string\n");
    EXPECT_EQ(server_.cli("ttl mooncake/ram/n:1"), "-1\n");
    server_.cli("set other '{\"a\":1}\n'");
    EXPECT_EQ(store_->get("other", kNone)->value, "{\"a\":1}\n");
    put("empty", "");
    EXPECT_EQ(store_->get("empty", kNone)->value, "");
    const std::string large(8 << 20, 'x');
    put("large", large);
    EXPECT_EQ(store_->get("large", kNone)->value, large);
}

TEST_F(RedisStoreTest, AKeyMayHaveAnyBytes) {
    put(kOdd, "odd");
    put(kOdd + "2", "odd");
    EXPECT_EQ(store_->get(kOdd, kNone)->value, "odd");
    EXPECT_THAT(keys(kOdd, 1), ElementsAre(kOdd, kOdd + "2"));
    EXPECT_TRUE(store_->remove(kOdd, Precondition::any(), kNone));
    EXPECT_EQ(store_->get(kOdd, kNone).error().code, ErrorCode::NotFound);
}

TEST_F(RedisStoreTest, AbsentKeysAndSenselessCallsAreTold) {
    EXPECT_EQ(store_->get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_->remove("k", Precondition::any(), kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_->get("", kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->put("", "v", Precondition::any(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->remove("k", Precondition::absent(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->list("a", 0, "", kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->list("a", 1, "b", kNone).error().code, ErrorCode::InvalidArgument);
    for (const auto* version : {"", "1\r\nX: y", "a b"})
        EXPECT_EQ(store_->put("k", "v", Precondition::atVersion(version), kNone).error().code,
                  ErrorCode::InvalidArgument);
}

TEST_F(RedisStoreTest, PutsAnAbsentKeyOnce) {
    EXPECT_TRUE(store_->put("k", "first", Precondition::absent(), kNone));
    EXPECT_EQ(store_->put("k", "second", Precondition::absent(), kNone).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store_->get("k", kNone)->value, "first");
}

TEST_F(RedisStoreTest, ChangesOnlyTheVersionThatWasMeant) {
    const auto old = put("k", "1");
    EXPECT_EQ(old, "356a192b7913b04c54574d18c28d46e6395428ab") << "SHA-1 of 1";
    const auto current = store_->put("k", "2", Precondition::atVersion(old), kNone);
    ASSERT_TRUE(current) << current.error().message;
    EXPECT_EQ(store_->get("k", kNone)->version, *current);
    EXPECT_EQ(store_->put("k", "3", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->put("k", "3", Precondition::atVersion("17"), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->remove("k", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->get("k", kNone)->value, "2");
    EXPECT_TRUE(store_->remove("k", Precondition::atVersion(*current), kNone));
    EXPECT_EQ(store_->put("k", "4", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->remove("k", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
}

TEST_F(RedisStoreTest, AVersionIsThatOfTheContent) {
    const auto version = put("k", std::string("\0\xff", 2));
    put("k", "other");
    EXPECT_EQ(put("k", std::string("\0\xff", 2)), version);
    EXPECT_EQ(store_->list("k", 1, "", kNone)->items.front().version, version);
    EXPECT_TRUE(store_->remove("k", Precondition::atVersion(version), kNone)) << "the server makes the same of it";
}

TEST_F(RedisStoreTest, AServerThatHasForgottenTheScriptsIsGivenThem) {
    const auto version = put("k", "1");
    EXPECT_TRUE(store_->put("k", "1", Precondition::atVersion(version), kNone));
    server_.cli("script flush");
    EXPECT_TRUE(store_->put("k", "1", Precondition::atVersion(version), kNone));
    EXPECT_TRUE(store_->put("k", "1", Precondition::atVersion(version), kNone));
}

TEST_F(RedisStoreTest, ConcurrentWritersLoseNoUpdate) {
    constexpr int kThreads = 12;  // More than there are connections.
    constexpr int kRounds = 50;
    put("counter", "0");
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([this] {
                for (int done = 0; done < kRounds;) {
                    const auto seen = store_->get("counter", kNone).value();
                    const auto next = std::to_string(std::stoi(seen.value) + 1);
                    if (store_->put("counter", next, Precondition::atVersion(seen.version), kNone)) ++done;
                }
            });
        }
    }
    EXPECT_EQ(store_->get("counter", kNone)->value, std::to_string(kThreads * kRounds));
}

TEST_F(RedisStoreTest, ListsAPrefixInPagesInTheOrderOfKeys) {
    for (const auto* key : {"a/3", "b/1", "a/1", "a/2", "a", "a/\xff", "aa"})
        put(key, key);
    server_.cli("rpush a/list x");
    EXPECT_THAT(keys("a/", 2), ElementsAre("a/1", "a/2", "a/3", "a/\xff")) << "a list is no value";
    EXPECT_THAT(keys("a/", 1000), ElementsAre("a/1", "a/2", "a/3", "a/\xff"));
    EXPECT_EQ(keys("", 3).size(), 7U);
    EXPECT_THAT(keys("c", 3), ElementsAre());
    EXPECT_EQ(store_->list("a/", 1, "", kNone)->items.front().value, "a/1");
}

TEST_F(RedisStoreTest, APagesEndMayGoAndAContinuationMayBeUsedTwice) {
    for (const auto* key : {"a/1", "a/2", "a/3", "a/4"})
        put(key, key);
    const auto first = store_->list("a/", 2, "", kNone).value();
    ASSERT_TRUE(store_->remove("a/2", Precondition::any(), kNone));
    ASSERT_TRUE(store_->remove("a/3", Precondition::any(), kNone));
    put("a/5", "new");
    const auto second = store_->list("a/", 1, first.continuation, kNone).value();
    ASSERT_EQ(second.items.size(), 1U);
    EXPECT_EQ(second.items[0].key, "a/4") << "no page without items before the end";
    const auto again = store_->list("a/", 9, first.continuation, kNone).value();
    ASSERT_EQ(again.items.size(), 2U);
    EXPECT_EQ(again.items[1].key, "a/5");
    EXPECT_EQ(again.continuation, "");
}

TEST_F(RedisStoreTest, ListsMoreThanItKeepsOfOneScanWithoutLossOrRepetition) {
    constexpr std::size_t kMany = RedisStore::kKeysOfScan * 5 / 2;
    server_.cli("eval \"for i = 1, " + std::to_string(kMany) +
                " do redis.call('set', 'many/' .. redis.sha1hex(i), i) end\" 0");
    const auto all = keys("many/", 1000);
    EXPECT_EQ(all.size(), kMany);
    EXPECT_TRUE(std::ranges::is_sorted(all, std::less_equal<>()));
    EXPECT_THAT(server_.cli("info commandstats"), Not(HasSubstr("cmdstat_keys:")));
}

TEST_F(RedisStoreTest, ListsLongValuesInShorterPages) {
    const auto store = server_.store({.max_value = 100'000});
    for (int i = 0; i < 40; ++i)
        put("k" + std::to_string(i + 10), std::string(90'000, 'x'));
    std::size_t listed = 0;
    std::string after;
    do {
        const auto page = store->list("k", 1000, after, kNone);
        ASSERT_TRUE(page) << page.error().message;
        listed += page->items.size();
        after = page->continuation;
    } while (!after.empty());
    EXPECT_EQ(listed, 40U);
    put("k", std::string(100'001, 'x'));
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::BadData);
    const auto page = store->list("k", 1000, "", kNone);
    EXPECT_EQ(page.error().code, ErrorCode::BadData);
    EXPECT_THAT(page.error().message, HasSubstr("longer than 100000 bytes"));
}

TEST_F(RedisStoreTest, AKeyThatHoldsSomethingElseIsAClearError) {
    server_.cli("rpush queue x");
    for (const auto& error :
         {store_->get("queue", kNone).error(), store_->put("queue", "v", Precondition::atVersion("1"), kNone).error(),
          store_->remove("queue", Precondition::atVersion("1"), kNone).error()}) {
        EXPECT_EQ(error.code, ErrorCode::BadData) << error.message;
        EXPECT_THAT(error.message, HasSubstr("queue: metadata server " + server_.uri() + ": the key holds no plain"));
    }
    EXPECT_EQ(store_->put("queue", "v", Precondition::absent(), kNone).error().code, ErrorCode::AlreadyExists);
}

TEST_F(RedisStoreTest, AFullServerIsFull) {
    const auto version = put("k", "v");
    server_.cli("config set maxmemory 1");
    EXPECT_EQ(store_->put("k", "w", Precondition::any(), kNone).error().code, ErrorCode::Full);
    EXPECT_EQ(store_->put("k", "w", Precondition::atVersion(version), kNone).error().code, ErrorCode::Full);
    EXPECT_EQ(store_->get("k", kNone)->value, "v");
}

TEST_F(RedisStoreTest, AReadOnlyReplicaReadsOnly) {
    const auto version = put("k", "v");
    const RedisProcess replica({"--replicaof", "127.0.0.1 " + std::to_string(server_.port())});
    const auto store = replica.store();
    for (const auto& error : {store->put("k", "w", Precondition::any(), kNone).error(),
                              store->put("x", "w", Precondition::absent(), kNone).error(),
                              store->remove("k", Precondition::any(), kNone).error()}) {
        EXPECT_EQ(error.code, ErrorCode::NotPermitted) << error.message;
        EXPECT_THAT(error.message, HasSubstr("it is a read-only replica"));
    }
    // Until the first copy has come, the script finds nothing to change.
    for (auto got = store->get("k", kNone); !got; got = store->get("k", kNone))
        ASSERT_EQ(got.error().code, ErrorCode::NotFound) << got.error().message;
    EXPECT_EQ(store->put("k", "w", Precondition::atVersion(version), kNone).error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(store->remove("k", Precondition::atVersion(version), kNone).error().code, ErrorCode::NotPermitted);
}

TEST_F(RedisStoreTest, DatabasesAreApart) {
    put("k", "zero");
    const auto three = server_.store({.redis_db = 3});
    EXPECT_EQ(three->get("k", kNone).error().code, ErrorCode::NotFound);
    ASSERT_TRUE(three->put("k", "three", Precondition::any(), kNone));
    EXPECT_EQ(server_.cli("-n 3 get k"), "three\n");
    const auto by_uri = RedisStore::open(server_.uri() + "/3", {.redis_db = 4}).value();
    EXPECT_EQ(by_uri->get("k", kNone)->value, "three");
    const auto none = server_.store({.redis_db = 200})->get("k", kNone);
    EXPECT_EQ(none.error().code, ErrorCode::Config);
    EXPECT_THAT(none.error().message, HasSubstr("no database of this number"));
}

TEST(RedisLogin, WithAPassword) {
    const RedisProcess server({"--requirepass", "secret"});
    EXPECT_EQ(server.store({.redis_password = "secret"})->put("k", "v", Precondition::any(), kNone),
              contentVersion("v"));
    EXPECT_EQ(server.store({.redis_password = "wrong", .password = "secret"})->get("k", kNone)->value, "v");
    const auto without = server.store()->get("k", kNone).error();
    EXPECT_EQ(without.code, ErrorCode::NotPermitted);
    EXPECT_THAT(without.hint, HasSubstr("MC_REDIS_PASSWORD"));
    const auto user_only = server.store({.redis_username = "me"})->get("k", kNone).error();
    EXPECT_THAT(user_only.message, HasSubstr("it wants a password")) << "as Mooncake's programs: no AUTH";
    const auto wrong = server.store({.redis_password = "wr0ng"})->get("k", kNone).error();
    EXPECT_EQ(wrong.code, ErrorCode::NotPermitted);
    EXPECT_THAT(wrong.message, HasSubstr("it refuses the password"));
    EXPECT_THAT(wrong.message + wrong.hint, Not(HasSubstr("wr0ng")));
}

TEST(RedisLogin, AsAUserWithAnAccessList) {
    const RedisProcess server;
    server.cli("acl setuser reader on '>pw' '~mooncake/*' +get +mget +scan +select");
    server.cli("acl setuser open on nopass '~*' +@all");
    server.cli("set mooncake/a 1");
    const auto reader = server.store({.redis_username = "reader", .redis_password = "pw", .redis_db = 0});
    EXPECT_EQ(reader->get("mooncake/a", kNone)->value, "1");
    EXPECT_EQ(reader->list("", 10, "", kNone)->items.size(), 1U) << "reading needs no script";
    EXPECT_EQ(reader->get("other", kNone).error().code, ErrorCode::NotPermitted);
    const auto denied = reader->put("mooncake/a", "2", Precondition::atVersion(contentVersion("1")), kNone).error();
    EXPECT_EQ(denied.code, ErrorCode::NotPermitted);
    EXPECT_THAT(denied.message, HasSubstr("access list"));
    const auto by_uri = RedisStore::open("redis://reader@127.0.0.1:" + std::to_string(server.port()),
                                         {.redis_username = "nobody", .username = "nobody", .password = "pw"});
    EXPECT_EQ((*by_uri)->get("mooncake/a", kNone)->value, "1");
    EXPECT_EQ(server.store({.username = "open"})->get("other", kNone).error().code, ErrorCode::NotFound);
    const auto wrong = server.store({.username = "reader", .password = "no"})->get("k", kNone).error();
    EXPECT_THAT(wrong.message, HasSubstr("refuses user reader or the password"));
}

TEST(RedisLogin, APasswordThatTheServerHasNotIsTold) {
    const RedisProcess server;
    const auto got = server.store({.redis_password = "needless"})->get("k", kNone).error();
    EXPECT_EQ(got.code, ErrorCode::NotPermitted);
    EXPECT_THAT(got.message, HasSubstr("it has no password, but one was given"));
}

TEST(RedisLost, AServerThatWasKilledAndStartedAgainIsUsedAgainWithLoginAndDatabase) {
    RedisProcess server({"--requirepass", "secret", "--appendonly", "yes", "--appendfsync", "always"});
    const auto store = server.store({.redis_password = "secret", .redis_db = 2});
    ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    server.kill();
    const auto gone = store->get("k", kNone).error();
    EXPECT_EQ(gone.code, ErrorCode::Unavailable);
    EXPECT_THAT(gone.message, HasSubstr("Connection refused"));
    EXPECT_THAT(gone.hint, HasSubstr("running there?"));
    EXPECT_EQ(store->put("k", "w", Precondition::any(), kNone).error().code, ErrorCode::Unavailable);
    server.start();
    EXPECT_EQ(store->get("k", kNone)->value, "v");
    server.kill();
    server.start();
    EXPECT_TRUE(store->put("k", "w", Precondition::any(), kNone))
        << "an idle connection is looked at before it is used";
    EXPECT_EQ(server.cli("--no-auth-warning -a secret -n 2 get k"), "w\n");
}

TEST(RedisLost, KilledUnderLoadEveryCallEndsAndLaterOnesSucceed) {
    RedisProcess server({"--appendonly", "yes", "--appendfsync", "always"});
    const auto store = server.store();
    std::atomic<bool> stop = false;
    std::atomic<int> done = 0;
    std::vector<ErrorCode> failures;
    std::mutex mutex;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; !stop; ++i) {
                    const auto put = store->put("k" + std::to_string(t), std::to_string(i), Precondition::any(), kNone);
                    if (put) ++done;
                    const std::lock_guard lock(mutex);
                    if (!put) failures.push_back(put.error().code);
                }
            });
        }
        const auto more = [&] {
            const int before = done;
            while (done < before + 100)
                std::this_thread::yield();
        };
        more();
        server.kill();
        server.start();
        more();
        stop = true;
    }
    EXPECT_THAT(failures, testing::Each(ErrorCode::Unavailable));
    EXPECT_TRUE(store->get("k0", kNone));
}

TEST(RedisLost, AServerThatStandsStillTimesOutAndIsUsedAgain) {
    const RedisProcess server;
    const auto store = server.store({.timeout = std::chrono::seconds(2)});
    ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    server.stop();
    const auto put = store->put("k", "w", Precondition::any(), kNone).error();
    EXPECT_EQ(put.code, ErrorCode::TimedOut);
    EXPECT_THAT(put.message, HasSubstr("the change may have been made"));
    const auto get = store->get("k", SteadyClock::now() + std::chrono::milliseconds(20)).error();
    EXPECT_EQ(get.code, ErrorCode::TimedOut);
    EXPECT_THAT(get.message, Not(HasSubstr("change")));
    server.resume();
    const auto patient = server.store();
    EXPECT_EQ(patient->get("k", kNone)->value, "w") << "it was made";
}

TEST(RedisPattern, MeansEveryByteOfThePrefix) {
    EXPECT_EQ(redisPattern("mooncake/"), "mooncake/*");
    EXPECT_EQ(redisPattern("a*[b]?\\"), "a\\*\\[b\\]\\?\\\\*");
}

}  // namespace
}  // namespace mc::metadata
