#include "metadata/kept_segment.h"

#include <gtest/gtest.h>

#include "metadata/memory_store.h"
#include "metadata/plain_store.h"
#include "segment/file_segment.h"

namespace mc::metadata {
namespace {

const SegmentKey kFiles{.kind = SegmentKind::Files, .name = "nvmeof/cache", .key = "mooncake/nvmeof/cache"};
const SegmentKey kMemory{.kind = SegmentKind::Memory, .name = "node1", .key = "mooncake/ram/node1"};

std::string files(const std::string& server, std::vector<LegacyFile> list) {
    return encodeSegmentDescriptor(makeFileSegment(server, std::move(list)));
}

const std::string kOne = files("node1", {{.file_path = "/a", .length = 7, .local_path_map = {}}});
const std::string kTwo = files("node1", {{.file_path = "/a", .length = 7, .local_path_map = {}},
                                         {.file_path = "/b", .length = 9, .local_path_map = {}}});

template <typename Store>
class Kept : public testing::Test {
  protected:
    std::string value(const SegmentKey& segment) { return store_.get(segment.key, std::nullopt).value().value; }
    void put(const SegmentKey& segment, const std::string& text) {
        ASSERT_TRUE(store_.put(segment.key, text, Precondition::any(), std::nullopt));
    }
    void lose(const SegmentKey& segment) { ASSERT_TRUE(store_.remove(segment.key, Precondition::any(), std::nullopt)); }
    Store store_;
};

using Stores = testing::Types<MemoryStore, PlainStore>;
TYPED_TEST_SUITE(Kept, Stores);

TYPED_TEST(Kept, IsPutBackWhenItIsLost) {
    KeptSegment kept(this->store_, kFiles, kOne);
    EXPECT_TRUE(kept.look(std::nullopt).value());
    EXPECT_FALSE(kept.look(std::nullopt).value());
    this->lose(kFiles);
    EXPECT_TRUE(kept.look(std::nullopt).value());
    EXPECT_EQ(this->value(kFiles), kOne);
}

TYPED_TEST(Kept, WithWhatOthersHaveAdded) {
    KeptSegment kept(this->store_, kFiles, kOne);
    this->put(kFiles, kTwo);
    EXPECT_FALSE(kept.look(std::nullopt).value());
    this->lose(kFiles);
    EXPECT_TRUE(kept.look(std::nullopt).value());
    EXPECT_EQ(this->value(kFiles), kTwo);
}

TYPED_TEST(Kept, WhatIsAnothersStaysAndIsNotLearned) {
    KeptSegment kept(this->store_, kFiles, kOne);
    for (const std::string& text : {std::string("{}"), std::string("garbage"),
                                    files("node2", {{.file_path = "/c", .length = 1, .local_path_map = {}}})}) {
        this->put(kFiles, text);
        EXPECT_FALSE(kept.look(std::nullopt).value());
        EXPECT_EQ(this->value(kFiles), text);
        this->lose(kFiles);
        EXPECT_TRUE(kept.look(std::nullopt).value());
        EXPECT_EQ(this->value(kFiles), kOne);
        this->lose(kFiles);
    }
}

TYPED_TEST(Kept, MemoryIsItsEnginesOnceThereIsOne) {
    const std::string empty = R"({"name":"node1","protocol":"tcp","buffers":[],"tcp_data_port":0})";
    const std::string served =
        R"({"name":"node1","protocol":"tcp","buffers":[{"name":"node1","addr":4096,"length":1}],"tcp_data_port":9})";
    KeptSegment kept(this->store_, kMemory, empty);
    this->put(kMemory, served);
    EXPECT_FALSE(kept.look(std::nullopt).value());
    EXPECT_EQ(this->value(kMemory), served);
    this->lose(kMemory);
    EXPECT_TRUE(kept.look(std::nullopt).value());
    EXPECT_EQ(this->value(kMemory), empty);
}

}  // namespace
}  // namespace mc::metadata
