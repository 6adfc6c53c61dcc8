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

}  // namespace
}  // namespace mc
