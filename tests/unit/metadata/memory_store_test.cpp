#include "metadata/memory_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "metadata/watch_queue.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;

constexpr Deadline kNone = std::nullopt;
Deadline past() {
    return SteadyClock::now() - milliseconds(1);
}

class MemoryStoreTest : public testing::Test {
  protected:
    std::string put(std::string_view key, std::string_view value) {
        return store_.put(key, value, Precondition::any(), kNone).value();
    }

    MemoryStore store_;
};

TEST_F(MemoryStoreTest, GivesBackWhatWasPut) {
    const auto version = put("k", std::string_view("a\0b", 3));
    const auto got = store_.get("k", kNone);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->value, std::string_view("a\0b", 3));
    EXPECT_EQ(got->version, version);
    EXPECT_NE(put("k", "again"), version);
    EXPECT_EQ(store_.get("k", kNone)->value, "again");
}

TEST_F(MemoryStoreTest, AnAbsentKeyIsNotFound) {
    EXPECT_EQ(store_.get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_.remove("k", Precondition::any(), kNone).error().code, ErrorCode::NotFound);
}

TEST_F(MemoryStoreTest, AnEmptyKeyIsRefused) {
    EXPECT_EQ(store_.put("", "v", Precondition::any(), kNone).error().code, ErrorCode::InvalidArgument);
}

TEST_F(MemoryStoreTest, PutsAnAbsentKeyOnce) {
    EXPECT_TRUE(store_.put("k", "first", Precondition::absent(), kNone));
    EXPECT_EQ(store_.put("k", "second", Precondition::absent(), kNone).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store_.get("k", kNone)->value, "first");
}

TEST_F(MemoryStoreTest, ChangesOnlyTheVersionThatWasMeant) {
    const auto old = put("k", "1");
    const auto current = store_.put("k", "2", Precondition::atVersion(old), kNone);
    ASSERT_TRUE(current);
    EXPECT_EQ(store_.put("k", "3", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_.remove("k", Precondition::atVersion(old), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_.get("k", kNone)->value, "2");
    EXPECT_TRUE(store_.remove("k", Precondition::atVersion(*current), kNone));
    EXPECT_EQ(store_.put("k", "4", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_.remove("k", Precondition::atVersion(*current), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_.remove("k", Precondition::absent(), kNone).error().code, ErrorCode::InvalidArgument);
}

TEST_F(MemoryStoreTest, AVersionIsNotUsedAgainAfterARemoval) {
    const auto version = put("k", "v");
    ASSERT_TRUE(store_.remove("k", Precondition::any(), kNone));
    EXPECT_NE(put("k", "v"), version);
}

TEST_F(MemoryStoreTest, ListsAPrefixInPages) {
    for (const auto* key : {"a/3", "b/1", "a/1", "a/2", "a"}) {
        put(key, key);
    }
    const auto first = store_.list("a/", 2, "", kNone);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->items.size(), 2);
    EXPECT_EQ(first->items[0].key, "a/1");
    EXPECT_EQ(first->items[0].value, "a/1");
    EXPECT_EQ(first->items[0].version, store_.get("a/1", kNone)->version);
    ASSERT_FALSE(first->continuation.empty());
    // What the page ended with may go without losing the place.
    ASSERT_TRUE(store_.remove("a/2", Precondition::any(), kNone));
    const auto second = store_.list("a/", 2, first->continuation, kNone);
    ASSERT_TRUE(second);
    ASSERT_EQ(second->items.size(), 1);
    EXPECT_EQ(second->items[0].key, "a/3");
    EXPECT_EQ(second->continuation, "");
}

TEST_F(MemoryStoreTest, AFullLastPageHasNoContinuation) {
    put("a", "");
    put("b", "");
    EXPECT_EQ(store_.list("", 2, "", kNone)->continuation, "");
    EXPECT_TRUE(store_.list("c", 2, "", kNone)->items.empty());
}

TEST_F(MemoryStoreTest, RefusesSenselessPages) {
    EXPECT_EQ(store_.list("a", 0, "", kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_.list("a", 1, "b", kNone).error().code, ErrorCode::InvalidArgument);
}

TEST_F(MemoryStoreTest, AWatchSeesChangesBelowItsPrefixInOrder) {
    put("a/0", "before");
    const auto watch = store_.watch("a/", kNone).value();
    const auto version = put("a/1", "x");
    put("b/1", "elsewhere");
    ASSERT_TRUE(store_.remove("a/0", Precondition::any(), kNone));
    EXPECT_FALSE(store_.put("a/1", "y", Precondition::absent(), kNone));

    const auto put_event = watch->next(kNone).value();
    EXPECT_EQ(put_event->kind, Event::Kind::Put);
    EXPECT_EQ(put_event->item.key, "a/1");
    EXPECT_EQ(put_event->item.value, "x");
    EXPECT_EQ(put_event->item.version, version);
    const auto remove_event = watch->next(kNone).value();
    EXPECT_EQ(remove_event->kind, Event::Kind::Remove);
    EXPECT_EQ(remove_event->item.key, "a/0");
    EXPECT_EQ(watch->next(past()).error().code, ErrorCode::TimedOut);
    put("a/2", "z");
    EXPECT_EQ(watch->next(past()).value()->item.key, "a/2") << "a timeout ends nothing";
}

TEST_F(MemoryStoreTest, AWaitingWatchIsWokenByAChangeAndByCancel) {
    const auto watch = store_.watch("", kNone).value();
    std::jthread writer([this] { put("k", "v"); });
    EXPECT_EQ(watch->next(kNone).value()->item.key, "k");
    writer.join();
    put("more", "");
    std::jthread canceller([&] { watch->cancel(); });
    canceller.join();
    EXPECT_EQ(watch->next(kNone).value(), std::nullopt);
    EXPECT_EQ(watch->next(kNone).value(), std::nullopt);
}

TEST_F(MemoryStoreTest, AWatchThatIsNotReadEndsInsteadOfGrowing) {
    const auto watch = store_.watch("", kNone).value();
    for (std::size_t i = 0; i <= MemoryStore::kMaxPendingEvents; ++i) {
        put("k", "v");
    }
    EXPECT_EQ(watch->next(past()).error().code, ErrorCode::Io);
    put("k", "v");
    EXPECT_EQ(watch->next(past()).error().code, ErrorCode::Io);
}

TEST_F(MemoryStoreTest, AWatchThatIsNotReadKeepsFewBytes) {
    const auto watch = store_.watch("", kNone).value();
    const std::string large(WatchQueue::kMaxPendingBytes, 'x');
    put("k", large);
    EXPECT_EQ(watch->next(past()).value()->item.value.size(), large.size());
    put("k", large);
    put("k", "v");
    EXPECT_EQ(watch->next(past()).error().code, ErrorCode::Io);
}

TEST(MemoryStore, EntriesCountThoughTheirValuesAreEmpty) {
    MemoryStore store(64 << 10);
    int keys = 0;
    while (store.put("k" + std::to_string(keys), "", Precondition::any(), kNone))
        ++keys;
    EXPECT_LT(keys, 1000);
    EXPECT_GT(keys, 100);
    EXPECT_EQ(store.put("more", "", Precondition::any(), kNone).error().code, ErrorCode::Full);
    EXPECT_TRUE(store.put("k0", "", Precondition::any(), kNone));
    ASSERT_TRUE(store.remove("k0", Precondition::any(), kNone));
    EXPECT_TRUE(store.put("k0", "", Precondition::any(), kNone));
}

TEST(MemoryStore, AWatchOutlivesItsStore) {
    auto store = std::make_unique<MemoryStore>();
    const auto watch = store->watch("", kNone).value();
    ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    std::jthread closer([&] { store.reset(); });
    EXPECT_EQ(watch->next(kNone).value()->item.key, "k");
    EXPECT_EQ(watch->next(kNone).error().code, ErrorCode::Unavailable);
}

TEST_F(MemoryStoreTest, ConcurrentWritersLoseNoUpdate) {
    constexpr int kThreads = 4;
    constexpr int kRounds = 500;
    put("counter", "0");
    const auto watch = store_.watch("counter", kNone).value();
    {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([this] {
                for (int done = 0; done < kRounds;) {
                    const auto seen = store_.get("counter", kNone).value();
                    const auto next = std::to_string(std::stoi(seen.value) + 1);
                    if (store_.put("counter", next, Precondition::atVersion(seen.version), kNone)) ++done;
                }
            });
        }
    }
    EXPECT_EQ(store_.get("counter", kNone)->value, std::to_string(kThreads * kRounds));
    for (int i = 1; i <= kThreads * kRounds; ++i) {
        ASSERT_EQ(watch->next(past()).value()->item.value, std::to_string(i));
    }
}

TEST_F(MemoryStoreTest, OneOfManyCreatesAKey) {
    std::atomic<int> created = 0;
    {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i) {
                    if (store_.put("k" + std::to_string(i), "", Precondition::absent(), kNone)) ++created;
                }
            });
        }
    }
    EXPECT_EQ(created, 200);
    EXPECT_EQ(store_.list("k", 1000, "", kNone)->items.size(), 200);
}

}  // namespace
}  // namespace mc::metadata
