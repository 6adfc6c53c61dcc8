#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace mc {
namespace {

TEST(Utf8, TakesTextOfEveryLength) {
    for (const std::string_view text :
         {"", "a", "plain ASCII of some length", "é", "\u20ac", "\U0001F600", "mixed é \u20ac \U0001F600 end",
          "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
          "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(isUtf8(text)) << text;
    }
    EXPECT_TRUE(isUtf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, RefusesWhatIsTooLongTooLargeASurrogateOrCutOff) {
    for (const std::string_view text :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe2\x82", "\xf0\x9f\x98", "\xe2\x28\xa1",
          "\xe2\x82\x28", "\xf0\x9f\x98\x28"}) {
        EXPECT_FALSE(isUtf8(text)) << testing::PrintToString(text);
        EXPECT_FALSE(isUtf8(std::string("sixteen bytes...") + std::string(text)));
        EXPECT_FALSE(isUtf8(std::string(text) + "and more bytes than eight"));
    }
}

}  // namespace
}  // namespace mc
