#include "metadata/etcd_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "metadata/etcd_server.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Deadline kNone = std::nullopt;

class EtcdStoreTest : public testing::Test {
  protected:
    static std::unique_ptr<Store> open(const StoreOptions& options = {.timeout = std::chrono::seconds(20)}) {
        return EtcdStore::open("etcd://" + server_->endpoint(), options).value();
    }
    static void SetUpTestSuite() { server_ = std::make_unique<test::EtcdServer>(); }
    static void TearDownTestSuite() { server_.reset(); }

    std::string put(std::string_view key, std::string_view value) {
        return store_->put(key, value, Precondition::any(), kNone).value();
    }
    std::vector<std::string> keys(std::string_view prefix, std::size_t limit) {
        std::vector<std::string> keys;
        std::string continuation;
        do {
            const auto page = store_->list(prefix, limit, continuation, kNone).value();
            EXPECT_LE(page.items.size(), limit);
            for (const auto& item : page.items)
                keys.push_back(item.key);
            continuation = page.continuation;
        } while (!continuation.empty());
        return keys;
    }

    static std::unique_ptr<test::EtcdServer> server_;
    const std::unique_ptr<Store> store_ = open();
};
std::unique_ptr<test::EtcdServer> EtcdStoreTest::server_;

TEST_F(EtcdStoreTest, GivesBackWhatWasPut) {
    const auto version = put("k", std::string_view("a\0b\xff", 4));
    const auto got = store_->get("k", kNone);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->value, std::string_view("a\0b\xff", 4));
    EXPECT_EQ(got->version, version);
    EXPECT_NE(put("k", "again"), version);
    EXPECT_EQ(store_->get("k", kNone)->value, "again");
    put("k", "");
    EXPECT_EQ(store_->get("k", kNone)->value, "") << "an empty value is a value";
}

TEST_F(EtcdStoreTest, OthersReadWhatWasPutByteForByte) {
    put("mooncake/ram/n:1", "{\"a\":\"\xc3\xa9\"}\n");
    EXPECT_EQ(server_->etcdctl("get mooncake/ram/n:1 --print-value-only"), "{\"a\":\"\xc3\xa9\"}\n\n");
    server_->etcdctl("put mooncake/ram/n:2 'of another client'");
    EXPECT_EQ(store_->get("mooncake/ram/n:2", kNone)->value, "of another client");
}

TEST_F(EtcdStoreTest, KeysAreBytes) {
    std::string key;
    for (int c = 1; c < 256; ++c)
        key.push_back(static_cast<char>(c));
    for (const std::string& each : {key, std::string("a\0b", 3), std::string("\xff\xff"), std::string("/ ?&%+\"\\")}) {
        put(each, each);
        EXPECT_EQ(store_->get(each, kNone)->value, each);
        EXPECT_THAT(keys(each, 10), ElementsAre(each));
        EXPECT_TRUE(store_->remove(each, Precondition::any(), kNone));
    }
}

TEST_F(EtcdStoreTest, AnAbsentKeyIsNotFound) {
    const auto found = store_->get("absent", kNone);
    EXPECT_EQ(found.error().code, ErrorCode::NotFound);
    EXPECT_EQ(found.error().message, "get absent: no such key");
    EXPECT_EQ(store_->remove("absent", Precondition::any(), kNone).error().code, ErrorCode::NotFound);
}

TEST_F(EtcdStoreTest, RefusesWhatNoStoreCouldMean) {
    EXPECT_EQ(store_->get("", kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->put("", "v", Precondition::any(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->remove("", Precondition::any(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->remove("k", Precondition::absent(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->list("a", 0, "", kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->list("a", 1, "b", kNone).error().code, ErrorCode::InvalidArgument);
    // Revision 0 is that of an absent key.
    for (const auto* version : {"", "0", "-1", "x", "1x", " 1", "01", "99999999999999999999"}) {
        const auto precondition = Precondition::atVersion(version);
        EXPECT_EQ(store_->put("k", "v", precondition, kNone).error().code, ErrorCode::InvalidArgument) << version;
        EXPECT_EQ(store_->remove("k", precondition, kNone).error().code, ErrorCode::InvalidArgument) << version;
    }
}

TEST_F(EtcdStoreTest, PutsAnAbsentKeyOnce) {
    const auto version = store_->put("once", "first", Precondition::absent(), kNone);
    ASSERT_TRUE(version);
    EXPECT_EQ(store_->put("once", "second", Precondition::absent(), kNone).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store_->get("once", kNone)->value, "first");
    EXPECT_EQ(store_->get("once", kNone)->version, *version);
}

TEST_F(EtcdStoreTest, ChangesOnlyTheVersionThatWasMeant) {
    const auto old = put("k", "1");
    const auto current = store_->put("k", "2", Precondition::atVersion(old), kNone);
    ASSERT_TRUE(current) << current.error().message;
    EXPECT_EQ(store_->put("k", "3", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->remove("k", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->get("k", kNone)->value, "2");
    EXPECT_TRUE(store_->remove("k", Precondition::atVersion(*current), kNone));
    EXPECT_EQ(store_->get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_->put("k", "4", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->remove("k", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
    EXPECT_NE(put("k", "v"), *current) << "a version is not used again";
}

TEST_F(EtcdStoreTest, ListsAPrefixInPages) {
    for (const auto* key : {"a/3", "b/1", "a/1", "a/2", "a", "a0"})
        put(key, key);
    const auto first = store_->list("a/", 2, "", kNone);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_EQ(first->items.size(), 2);
    EXPECT_EQ(first->items[0].key, "a/1");
    EXPECT_EQ(first->items[0].value, "a/1");
    EXPECT_EQ(first->items[0].version, store_->get("a/1", kNone)->version);
    ASSERT_FALSE(first->continuation.empty());
    ASSERT_TRUE(store_->remove("a/2", Precondition::any(), kNone)) << "it may go without losing the place";
    const auto second = store_->list("a/", 2, first->continuation, kNone);
    ASSERT_TRUE(second);
    ASSERT_EQ(second->items.size(), 1);
    EXPECT_EQ(second->items[0].key, "a/3");
    EXPECT_EQ(second->continuation, "");
    EXPECT_THAT(keys("a", 1), ElementsAre("a", "a/1", "a/3", "a0"));
    EXPECT_EQ(store_->list("a/", 2, "", kNone)->continuation, "") << "a full last page";
    EXPECT_THAT(keys("nothing", 2), ElementsAre());
    EXPECT_THAT(keys("", 3), testing::IsSupersetOf({"a", "a/1", "a/3", "a0", "b/1"}));
}

TEST_F(EtcdStoreTest, ValuesTooLongForOnePageComeInSeveral) {
    const std::string large(std::size_t{300} << 10, 'x');
    for (const auto* key : {"large/1", "large/2", "large/3", "large/4", "large/5"})
        put(key, large);
    const auto small = open({.timeout = std::chrono::seconds(20), .max_value = large.size()});
    std::size_t count = 0;
    std::string continuation;
    do {
        const auto page = small->list("large/", 1000, continuation, kNone);
        ASSERT_TRUE(page) << page.error().message;
        EXPECT_LT(page->items.size(), 3);
        count += page->items.size();
        continuation = page->continuation;
    } while (!continuation.empty());
    EXPECT_EQ(count, 5);
    const auto tiny = open({.max_value = 100 << 10});
    EXPECT_EQ(tiny->list("large/", 10, "", kNone).error().code, ErrorCode::BadData);
    EXPECT_EQ(tiny->get("large/1", kNone).error().code, ErrorCode::BadData);
    EXPECT_THAT(open({.max_value = large.size() - 1})->get("large/1", kNone).error().message, HasSubstr("longer than"));
}

TEST_F(EtcdStoreTest, AValueThatEtcdDoesNotTakeIsAnErrorThatNamesItsLimit) {
    for (const std::size_t size : {std::size_t{1600} << 10, std::size_t{8} << 20}) {
        const auto done = store_->put("k", std::string(size, 'x'), Precondition::any(), kNone);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, ErrorCode::InvalidArgument) << done.error().message;
        EXPECT_THAT(done.error().hint, HasSubstr("--max-request-bytes"));
    }
}

TEST_F(EtcdStoreTest, ConcurrentWritersLoseNoUpdate) {
    put("counter", "0");
    constexpr int kThreads = 4;
    constexpr int kEach = 25;
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                for (int done = 0; done < kEach;) {
                    const auto now = store_->get("counter", kNone);
                    const auto next = now ? store_->put("counter", std::to_string(std::stoi(now->value) + 1),
                                                        Precondition::atVersion(now->version), kNone)
                                          : std::unexpected(now.error());
                    if (next) {
                        ++done;
                    } else if (next.error().code != ErrorCode::Busy) {
                        ++failed;
                        return;
                    }
                }
            });
        }
    }
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(store_->get("counter", kNone)->value, std::to_string(kThreads * kEach));
}

TEST(EtcdStore, AFullDatabaseIsFull) {
    const test::EtcdServer server({}, {"--quota-backend-bytes=1048576"});
    const auto store = EtcdStore::open(server.endpoint(), {.timeout = std::chrono::seconds(20)}).value();
    Result<std::string> done = "";
    for (int i = 0; i < 100 && done; ++i)
        done = store->put("k" + std::to_string(i), std::string(32 << 10, 'x'), Precondition::any(), kNone);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::Full) << done.error().message;
    EXPECT_THAT(done.error().hint, HasSubstr("alarm disarm"));
    EXPECT_TRUE(store->get("k0", kNone)) << "reads go on";
}

}  // namespace
}  // namespace mc::metadata
