#include "base/base64.h"

#include <gtest/gtest.h>

namespace mc {
namespace {

// The examples of RFC 4648, section 10.
constexpr std::pair<std::string_view, std::string_view> kExamples[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfb", "//77"},
};

TEST(Base64, EncodesAndDecodes) {
    for (const auto& [bytes, text] : kExamples) {
        EXPECT_EQ(base64Encoded(bytes), text);
        EXPECT_EQ(base64Decoded(text), bytes);
    }
    std::string all;
    for (int i = 0; i < 1000; ++i) {
        all.push_back(static_cast<char>(i * 31));
        ASSERT_EQ(base64Decoded(base64Encoded(all)), all);
    }
}

TEST(Base64, RefusesWhatNoEncoderMakes) {
    for (const std::string_view text :
         {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "Zm-_", "Zg==Zg==", "Z=9v"}) {
        EXPECT_EQ(base64Decoded(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace mc
