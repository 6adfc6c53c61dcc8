#include "common/shell.h"

#include <gtest/gtest.h>

namespace mc::tools {
namespace {

TEST(ShellQuoted, LeavesWhatIsPlain) {
    EXPECT_EQ(shellQuoted("mooncake/ram/10.0.0.2:12345"), "mooncake/ram/10.0.0.2:12345");
}

TEST(ShellQuoted, QuotesTheRest) {
    EXPECT_EQ(shellQuoted(""), "''");
    EXPECT_EQ(shellQuoted("[::1]:80"), "'[::1]:80'");
    EXPECT_EQ(shellQuoted("it's $x"), "'it'\\''s $x'");
    EXPECT_EQ(shellQuoted("größe"), "'größe'");
}

TEST(ShellQuoted, KeepsControlCharactersOnTheLine) {
    EXPECT_EQ(shellQuoted("a\nb'\\\t1"), "$'a\\012b\\'\\\\\\0111'");
}

}  // namespace
}  // namespace mc::tools
