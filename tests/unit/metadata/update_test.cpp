#include "metadata/update.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/errors.h"
#include "metadata/memory_store.h"
#include "metadata/plain_store.h"

namespace mc::metadata {
namespace {

constexpr Deadline kNone = std::nullopt;

Edit append(std::string text) {
    return [text = std::move(text)](const VersionedValue* current) {
        return Change::put((current == nullptr ? "" : current->value) + text);
    };
}

Edit removal() {
    return [](const VersionedValue*) { return Change::remove(); };
}

TEST(Update, CreatesChangesAndRemoves) {
    MemoryStore store;
    const auto created = update(store, "k", append("a"), kNone);
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->done, Change::Kind::Put);
    EXPECT_TRUE(created->guarded);
    const auto changed = update(store, "k", append("b"), kNone);
    ASSERT_TRUE(changed);
    EXPECT_EQ(store.get("k", kNone)->value, "ab");
    EXPECT_EQ(store.get("k", kNone)->version, changed->version);
    const auto kept = update(store, "k", [](const VersionedValue*) { return Change::none(); }, kNone);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->done, Change::Kind::None);
    EXPECT_EQ(kept->version, changed->version);
    const auto removed = update(store, "k", removal(), kNone);
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->done, Change::Kind::Remove);
    EXPECT_EQ(store.get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(update(store, "k", removal(), kNone)->done, Change::Kind::None);
}

TEST(Update, AsksAgainWhereSomebodyElseWasFaster) {
    MemoryStore store;
    std::vector<std::string> seen;
    const Edit edit = [&](const VersionedValue* current) -> Result<Change> {
        seen.push_back(current == nullptr ? "" : current->value);
        if (seen.size() == 1) static_cast<void>(store.put("k", "theirs", Precondition::any(), kNone));
        if (seen.size() == 2) static_cast<void>(store.remove("k", Precondition::any(), kNone));
        if (seen.size() == 3) static_cast<void>(store.put("k", "again", Precondition::any(), kNone));
        return Change::put(seen.back() + "+ours");
    };
    const auto done = update(store, "k", edit, kNone);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(seen, (std::vector<std::string>{"", "theirs", "", "again"}));
    EXPECT_EQ(store.get("k", kNone)->value, "again+ours");
}

TEST(Update, ARemovalDoesNotTakeWhatWasPutMeanwhile) {
    MemoryStore store;
    ASSERT_TRUE(store.put("k", "old", Precondition::any(), kNone));
    const Edit edit = [&](const VersionedValue* current) -> Result<Change> {
        if (current->value != "old") return Change::none();
        static_cast<void>(store.put("k", "new", Precondition::any(), kNone));
        return Change::remove();
    };
    EXPECT_EQ(update(store, "k", edit, kNone)->done, Change::Kind::None);
    EXPECT_EQ(store.get("k", kNone)->value, "new");
}

TEST(Update, LosesNothingBetweenThreads) {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kEach = 250;
    MemoryStore store;
    {
        std::vector<std::jthread> threads;
        threads.reserve(kThreads);
        for (std::size_t i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                for (std::size_t n = 0; n < kEach; ++n)
                    EXPECT_TRUE(update(store, "k", append("."), kNone));
            });
        }
    }
    EXPECT_EQ(store.get("k", kNone)->value, std::string(kThreads * kEach, '.'));
}

TEST(Update, EndsAtItsDeadlineAndAfterVeryManyAttempts) {
    MemoryStore store;
    const Edit disturbed = [&](const VersionedValue*) {
        static_cast<void>(store.put("k", "theirs", Precondition::any(), kNone));
        return Change::put("ours");
    };
    const auto ended = update(store, "k", disturbed, SteadyClock::now() + std::chrono::milliseconds(20));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::TimedOut);
}

TEST(Update, ReturnsTheErrorOfTheEdit) {
    MemoryStore store;
    const Edit edit = [](const VersionedValue*) -> Result<Change> { return fail(ErrorCode::BadData, "no"); };
    EXPECT_EQ(update(store, "k", edit, kNone).error().message, "no");
    EXPECT_EQ(preview(store, "k", edit, kNone).error().message, "no");
}

TEST(Update, SaysWhereAStoreHasNoPreconditions) {
    PlainStore store;
    const auto created = update(store, "k", append("a"), kNone);
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_FALSE(created->guarded);
    EXPECT_FALSE(update(store, "k", append("b"), kNone)->guarded);
    EXPECT_EQ(store.get("k", kNone)->value, "ab");
    EXPECT_TRUE(update(store, "k", [](const VersionedValue*) { return Change::none(); }, kNone)->guarded);
    EXPECT_FALSE(update(store, "k", removal(), kNone)->guarded);
    EXPECT_EQ(store.get("k", kNone).error().code, ErrorCode::NotFound);
}

TEST(Update, APreviewWritesNothing) {
    MemoryStore store;
    EXPECT_EQ(preview(store, "k", append("a"), kNone)->done, Change::Kind::Put);
    EXPECT_EQ(store.get("k", kNone).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace mc::metadata
