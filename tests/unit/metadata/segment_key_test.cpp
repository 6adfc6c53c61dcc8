#include "metadata/segment_key.h"

#include <gtest/gtest.h>

namespace mc::metadata {
namespace {

SegmentKey parsed(std::string_view text, SegmentKind usual = SegmentKind::Files, std::string_view cluster = {}) {
    return parseSegmentKey(KeyNames(cluster), text, usual).value();
}

void expectRefused(std::string_view text, SegmentKind usual = SegmentKind::Files, std::string_view cluster = {}) {
    const auto segment = parseSegmentKey(KeyNames(cluster), text, usual);
    ASSERT_FALSE(segment) << text;
    EXPECT_EQ(segment.error().code, ErrorCode::InvalidArgument) << text;
}

TEST(SegmentKey, OfFilesIsTheSameInEachSpelling) {
    for (const auto* text :
         {"foo", "/foo", "nvmeof/foo", "/nvmeof/foo", "mooncake/nvmeof/foo", "/mooncake/nvmeof/foo"}) {
        EXPECT_EQ(parsed(text).key, "mooncake/nvmeof/foo") << text;
        EXPECT_EQ(parsed(text).name, "nvmeof/foo") << text;
        EXPECT_EQ(parsed(text).kind, SegmentKind::Files) << text;
    }
    EXPECT_EQ(parsed("a/b c").key, "mooncake/nvmeof/a/b c");
    EXPECT_EQ(parsed("nvmeof").key, "mooncake/nvmeof/nvmeof");
}

TEST(SegmentKey, OfMemoryIsTheSameInEachSpelling) {
    for (const auto* text : {"10.0.0.2:12345", "ram/10.0.0.2:12345", "mooncake/ram/10.0.0.2:12345"}) {
        EXPECT_EQ(parsed(text, SegmentKind::Memory).key, "mooncake/ram/10.0.0.2:12345") << text;
        EXPECT_EQ(parsed(text, SegmentKind::Memory).name, "10.0.0.2:12345") << text;
    }
    EXPECT_EQ(parsed("ram/n").kind, SegmentKind::Memory);
    EXPECT_EQ(parsed("nvmeof/n", SegmentKind::Memory).kind, SegmentKind::Files);
}

TEST(SegmentKey, IsBelowTheClusterOnce) {
    for (const auto* text : {"foo", "nvmeof/foo", "mooncake/blue/nvmeof/foo"})
        EXPECT_EQ(parsed(text, SegmentKind::Files, "blue").key, "mooncake/blue/nvmeof/foo") << text;
    expectRefused("mooncake/nvmeof/foo", SegmentKind::Files, "blue");
    expectRefused("mooncake/red/nvmeof/foo", SegmentKind::Files, "blue");
    expectRefused("mooncake/blue/nvmeof/foo");
}

TEST(SegmentKey, IsTheOneUnderWhichEnginesLookItUp) {
    const KeyNames keys("blue");
    for (const auto kind : {SegmentKind::Files, SegmentKind::Memory}) {
        const auto segment = parseSegmentKey(keys, "foo", kind).value();
        EXPECT_EQ(keys.segment(segment.name).value(), segment.key);
        EXPECT_TRUE(segment.key.starts_with(segmentPrefix(keys, kind)));
    }
}

TEST(SegmentKey, RefusesWhatIsNone) {
    for (const auto* text : {"", "/", "nvmeof/", "ram/", "mooncake/", "mooncake/nvmeof/", "mooncake/foo",
                             "mooncake/rpc_meta/foo", "rpc_meta/foo", "a\xff"}) {
        expectRefused(text);
    }
    expectRefused("a/b", SegmentKind::Memory);
    expectRefused("ram/a/b");
}

}  // namespace
}  // namespace mc::metadata
