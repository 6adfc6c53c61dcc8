#include "metadata/static_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/memory_store.h"
#include "metadata/plain_store.h"
#include "segment/file_segment.h"
#include "segment/memory_segment.h"

namespace mc::metadata {
namespace {

using Action = Publication::Action;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Deadline kNone = std::nullopt;

SegmentDescriptor files(std::vector<std::string> paths) {
    std::vector<LegacyFile> list;
    list.reserve(paths.size());
    for (auto& path : paths)
        list.push_back({.file_path = std::move(path), .length = 10, .local_path_map = {}});
    return makeFileSegment("node01", std::move(list));
}

class StaticSegmentTest : public testing::Test {
  protected:
    Result<Publication> publish(const SegmentDescriptor& descriptor, IfExists if_exists,
                                Writing writing = Writing::Real) {
        return publishStatic({.store = store_, .segment = segment_, .writing = writing, .deadline = kNone}, descriptor,
                             if_exists);
    }
    Result<Withdrawal> withdraw(std::vector<std::string> paths, IfMissing if_missing = IfMissing::Fail,
                                Writing writing = Writing::Real) {
        return withdrawStatic({.store = store_, .segment = segment_, .writing = writing, .deadline = kNone}, paths,
                              if_missing);
    }
    std::vector<std::string> there() {
        std::vector<std::string> paths;
        const auto descriptor = decodeSegmentDescriptor(store_.get(segment_.key, kNone)->value);
        for (const auto& file : descriptor->legacy_files)
            paths.push_back(file.file_path);
        return paths;
    }
    void put(const std::string& value) { ASSERT_TRUE(store_.put(segment_.key, value, Precondition::any(), kNone)); }
    bool exists() { return store_.get(segment_.key, kNone).has_value(); }

    MemoryStore store_;
    SegmentKey segment_ = parseSegmentKey(KeyNames(), "s", SegmentKind::Files).value();
};

TEST_F(StaticSegmentTest, IsCreatedOnce) {
    const auto created = publish(files({"/a"}), IfExists::Fail);
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->action, Action::Created);
    EXPECT_EQ(store_.get("mooncake/nvmeof/s", kNone)->value, encodeSegmentDescriptor(files({"/a"})));
    const auto refused = publish(files({"/b"}), IfExists::Fail);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(there(), ElementsAre("/a"));
}

TEST_F(StaticSegmentTest, IsKeptMergedOrReplaced) {
    ASSERT_TRUE(publish(files({"/a"}), IfExists::Fail));
    EXPECT_EQ(publish(files({"/b"}), IfExists::Keep)->action, Action::Kept);
    EXPECT_THAT(there(), ElementsAre("/a"));
    const auto merged = publish(files({"/a", "/b"}), IfExists::Merge);
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_EQ(merged->action, Action::Merged);
    EXPECT_EQ(merged->files_added, 1U);
    EXPECT_THAT(there(), ElementsAre("/a", "/b"));
    EXPECT_EQ(publish(files({"/b"}), IfExists::Merge)->action, Action::Unchanged);
    EXPECT_EQ(publish(files({"/c"}), IfExists::Replace)->action, Action::Replaced);
    EXPECT_THAT(there(), ElementsAre("/c"));
}

TEST_F(StaticSegmentTest, AReplacementSaysWhichMountsAreLost) {
    auto mounted = files({"/a", "/b"});
    mounted.legacy_files[0].local_path_map = {{"node02", "/mnt/a"}, {"node03", "/mnt/a"}};
    put(encodeSegmentDescriptor(mounted));
    EXPECT_EQ(publish(files({"/a"}), IfExists::Replace, Writing::Dry)->mounts_lost, 2U);
    EXPECT_EQ(publish(files({"/a"}), IfExists::Merge)->mounts_lost, 0U);
    EXPECT_EQ(publish(files({"/a"}), IfExists::Replace)->mounts_lost, 2U);
}

TEST_F(StaticSegmentTest, WhatCantBeReadIsReplacedAndRemovedButNotMerged) {
    put("garbage");
    const auto merged = publish(files({"/a"}), IfExists::Merge);
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, ErrorCode::BadData);
    EXPECT_THAT(merged.error().message, HasSubstr("segment nvmeof/s: "));
    EXPECT_EQ(withdraw({"/a"}).error().code, ErrorCode::BadData);
    EXPECT_TRUE(publish(files({"/a"}), IfExists::Replace));
    put("garbage");
    EXPECT_TRUE(withdraw({}));
    EXPECT_FALSE(exists());
}

TEST_F(StaticSegmentTest, ADryRunWritesNothing) {
    const auto created = publish(files({"/a"}), IfExists::Fail, Writing::Dry);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->json, encodeSegmentDescriptor(files({"/a"})));
    EXPECT_FALSE(exists());
    ASSERT_TRUE(publish(files({"/a"}), IfExists::Fail));
    EXPECT_EQ(publish(files({"/b"}), IfExists::Merge, Writing::Dry)->action, Action::Merged);
    EXPECT_EQ(publish(files({"/b"}), IfExists::Fail, Writing::Dry).error().code, ErrorCode::AlreadyExists);
    EXPECT_TRUE(withdraw({}, IfMissing::Fail, Writing::Dry));
    EXPECT_THAT(there(), ElementsAre("/a"));
}

TEST_F(StaticSegmentTest, FilesAreRemovedAllOrNone) {
    ASSERT_TRUE(publish(files({"/a", "/b", "/c"}), IfExists::Fail));
    const auto refused = withdraw({"/a", "/x"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
    EXPECT_THAT(there(), ElementsAre("/a", "/b", "/c"));
    const auto removed = withdraw({"/b", "/x"}, IfMissing::Ok);
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_THAT(removed->files, ElementsAre("/b"));
    EXPECT_EQ(removed->files_left, 2U);
    EXPECT_TRUE(removed->moved);
    EXPECT_THAT(there(), ElementsAre("/a", "/c"));
    EXPECT_FALSE(withdraw({"/c"})->moved);
    EXPECT_EQ(withdraw({"/x"}, IfMissing::Ok)->update.done, Change::Kind::None);
}

TEST_F(StaticSegmentTest, FilesOfOtherToolsAreFoundAsTheyAreNamed) {
    put(R"({"protocol":"nvmeof","buffers":[{"file_path":"disk0","length":1},{"file_path":"/data/./x","length":1}]})");
    EXPECT_TRUE(withdraw({"disk0", "/data/./x"}));
    EXPECT_THAT(there(), ElementsAre());
}

TEST_F(StaticSegmentTest, AMissingSegmentIsSaid) {
    EXPECT_EQ(withdraw({}).error().code, ErrorCode::NotFound);
    EXPECT_EQ(withdraw({"/a"}).error().code, ErrorCode::NotFound);
    EXPECT_EQ(withdraw({}, IfMissing::Ok)->update.done, Change::Kind::None);
}

TEST_F(StaticSegmentTest, OfMemoryIsNotTakenFromItsEngine) {
    segment_ = parseSegmentKey(KeyNames(), "node1", SegmentKind::Memory).value();
    const auto bare =
        makeMemorySegment({.name = "node1", .protocol = "tcp", .devices = {}, .priority_matrix = {}}).value();
    EXPECT_EQ(publish(bare, IfExists::Merge).error().code, ErrorCode::InvalidArgument);
    ASSERT_TRUE(publish(bare, IfExists::Fail));
    EXPECT_EQ(publish(bare, IfExists::Replace)->action, Action::Replaced);
    auto served = bare;
    served.buffers = {{.name = "node1", .addr = 1, .length = 2}};
    put(encodeSegmentDescriptor(served));
    EXPECT_EQ(publish(bare, IfExists::Replace).error().code, ErrorCode::Busy);
    EXPECT_EQ(withdraw({}).error().code, ErrorCode::Busy);
    EXPECT_EQ(withdraw({"/a"}).error().code, ErrorCode::InvalidArgument);
    put(encodeSegmentDescriptor(bare));
    EXPECT_TRUE(withdraw({}));
}

TEST(StaticSegment, OnAStoreWithoutPreconditionsIsUnguarded) {
    PlainStore store;
    const auto segment = parseSegmentKey(KeyNames(), "s", SegmentKind::Files).value();
    const StaticSegment change{.store = store, .segment = segment, .writing = Writing::Real, .deadline = kNone};
    EXPECT_FALSE(publishStatic(change, files({"/a"}), IfExists::Fail)->update.guarded);
    EXPECT_FALSE(publishStatic(change, files({"/b"}), IfExists::Merge)->update.guarded);
    EXPECT_EQ(publishStatic(change, files({"/b"}), IfExists::Fail).error().code, ErrorCode::AlreadyExists);
    const std::vector<std::string> one{"/a"};
    EXPECT_FALSE(withdrawStatic(change, one, IfMissing::Fail)->update.guarded);
    EXPECT_FALSE(withdrawStatic(change, {}, IfMissing::Fail)->update.guarded);
}

}  // namespace
}  // namespace mc::metadata
