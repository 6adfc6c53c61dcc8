#include "metadata/keys.h"

#include <gtest/gtest.h>

namespace mc::metadata {
namespace {

TEST(KeyNames, BeginWithMooncake) {
    const KeyNames keys;
    EXPECT_EQ(keys.prefix(), "mooncake/");
    EXPECT_EQ(keys.rpcMeta("10.0.0.1:12345"), "mooncake/rpc_meta/10.0.0.1:12345");
}

TEST(KeyNames, SeparateClustersWithOneSlash) {
    EXPECT_EQ(KeyNames("blue").prefix(), "mooncake/blue/");
    EXPECT_EQ(KeyNames("blue/").prefix(), "mooncake/blue/");
    EXPECT_EQ(KeyNames("blue").rpcMeta("node1"), "mooncake/blue/rpc_meta/node1");
    EXPECT_EQ(KeyNames("blue").segment("node1").value(), "mooncake/blue/ram/node1");
}

TEST(KeyNames, PutSegmentsBelowRamUnlessTheNameHasASlash) {
    const KeyNames keys;
    EXPECT_EQ(keys.segment("node1").value(), "mooncake/ram/node1");
    EXPECT_EQ(keys.segment("nvmeof/foo").value(), "mooncake/nvmeof/foo");
    EXPECT_EQ(keys.segment("foo/").value(), "mooncake/foo/");
}

TEST(KeyNames, DropLeadingSlashesOfSegments) {
    EXPECT_EQ(KeyNames().segment("//node1").value(), "mooncake/ram/node1");
    EXPECT_EQ(KeyNames().segment("/nvmeof/foo").value(), "mooncake/nvmeof/foo");
}

TEST(KeyNames, RefuseASegmentWithoutName) {
    for (const auto* name : {"", "/", "///"}) {
        EXPECT_EQ(KeyNames().segment(name).error().code, ErrorCode::InvalidArgument) << name;
    }
}

TEST(KeyNames, FindsTheNameThatAKeyIsOf) {
    const KeyNames keys("blue");
    for (const char* name : {"node1", "nvmeof/files", "a/b/c", "10.0.0.1:12345"})
        EXPECT_EQ(keys.segmentName(*keys.segment(name)), name);
    for (const char* key : {"mooncake/ram/x", "mooncake/blue/rpc_meta/x", "mooncake/blue/checkpoint/x",
                            "mooncake/blue/ram/", "mooncake/blue/x", "mooncake/blue//x", "mooncake/blue/", ""}) {
        EXPECT_NE(keys.segmentName(key), "x") << key;
    }
    EXPECT_EQ(keys.segmentName("mooncake/blue/rpc_meta/x"), "");
    EXPECT_EQ(keys.segmentName("mooncake/blue/checkpoint/x"), "");
    EXPECT_EQ(keys.segmentName("mooncake/ram/x"), "");
}

}  // namespace
}  // namespace mc::metadata
