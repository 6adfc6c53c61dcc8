#include "base/text.h"

#include <gtest/gtest.h>

namespace mc {
namespace {

TEST(Printable, LeavesTextAsItIs) {
    EXPECT_EQ(printable("mooncake/ram/a b:1 äöü"), "mooncake/ram/a b:1 äöü");
    EXPECT_EQ(printable(""), "");
}

TEST(Printable, NeitherEndsALineNorReachesATerminal) {
    using namespace std::string_view_literals;
    EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f\0"sv), "a\\nb\\tc\\x1b[31m\\x7f\\x00");
    EXPECT_EQ(printable("a\\nb"), "a\\\\nb");
}

TEST(Counted, HasOneOfOneAndManyOfAllElse) {
    EXPECT_EQ(counted(0, "file"), "0 files");
    EXPECT_EQ(counted(1, "file"), "1 file");
    EXPECT_EQ(counted(2, "recorded mount"), "2 recorded mounts");
    EXPECT_EQ(counted(1, "flush"), "1 flush");
    EXPECT_EQ(counted(0, "flush"), "0 flushes");
    EXPECT_EQ(counted(2, "batch"), "2 batches");
    EXPECT_EQ(counted(3, "address"), "3 addresses");
    EXPECT_EQ(counted(4, "index"), "4 indexes");
}

}  // namespace
}  // namespace mc
