#include "metadata/smallest_keys.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::ElementsAre;

TEST(SmallestKeys, KeepsTheFirstOfManyInAnyOrder) {
    SmallestKeys keys(3, 1000);
    for (const auto* key : {"d", "b", "e", "b", "a", "c", "f", "a"})
        keys.add(key);
    EXPECT_THAT(keys.keys(), ElementsAre("a", "b", "c"));
    EXPECT_TRUE(keys.leftOut());
}

TEST(SmallestKeys, TellsWhenItHasAll) {
    SmallestKeys keys(3, 1000);
    for (const auto* key : {"b", "a", "c", "b"})
        keys.add(key);
    EXPECT_THAT(keys.keys(), ElementsAre("a", "b", "c"));
    EXPECT_FALSE(keys.leftOut());
    EXPECT_EQ(keys.take(), "a");
    EXPECT_THAT(keys.keys(), ElementsAre("b", "c"));
}

TEST(SmallestKeys, WhatWasLeftOutIsNeverFollowedByAKeyThatIsKept) {
    SmallestKeys keys(2, 1000);
    for (const auto* key : {"a", "m", "z"})
        keys.add(key);
    // Removing the last key of a full set must not make room for what lies behind one that was left out.
    keys.add("b");
    keys.add("n");
    EXPECT_THAT(keys.keys(), ElementsAre("a", "b"));
    SmallestKeys by_bytes(100, 10);
    by_bytes.add("aaaa");
    by_bytes.add("bbbbbbbbb");
    by_bytes.add("c");
    EXPECT_THAT(by_bytes.keys(), ElementsAre("aaaa")) << "bbbbbbbbb was left out, so c must be, too";
}

TEST(SmallestKeys, BoundsTheBytesButKeepsOne) {
    SmallestKeys keys(100, 10);
    keys.add(std::string(50, 'b'));
    EXPECT_EQ(keys.keys().size(), 1U);
    EXPECT_FALSE(keys.leftOut());
    keys.add(std::string(50, 'a'));
    EXPECT_THAT(keys.keys(), ElementsAre(std::string(50, 'a')));
    EXPECT_TRUE(keys.leftOut());
}

TEST(SmallestKeys, OrdersBytesAsUnsigned) {
    SmallestKeys keys(10, 1000);
    for (const auto* key : {"\xff", "a", "\x7f"})
        keys.add(key);
    EXPECT_THAT(keys.keys(), ElementsAre("a", "\x7f", "\xff"));
}

}  // namespace
}  // namespace mc::metadata
