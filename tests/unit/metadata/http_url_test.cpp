#include "metadata/http_url.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HttpUrl, TakesTheWholeTextAsTheBase) {
    const auto url = HttpUrl::parse("https://meta.example:8443/a/metadata");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->with("key", "mooncake/ram/a b:1"),
              "https://meta.example:8443/a/metadata?key=mooncake%2Fram%2Fa%20b%3A1");
    EXPECT_EQ(url->with("prefix", ""), "https://meta.example:8443/a/metadata?prefix=");
    EXPECT_TRUE(HttpUrl::parse("http://[::1]:8080/metadata"));
    EXPECT_TRUE(HttpUrl::parse("http://host/")) << "a path, if a short one";
}

TEST(HttpUrl, RefusesWhatIsNoBase) {
    for (const auto* text :
         {"", "http", "ftp://host/x", "http:///metadata", "http://host/metadata?key=", "http://host/#x",
          "http://host:99999/metadata", "http://ho st/metadata", "http://host/meta\ndata"}) {
        const auto url = HttpUrl::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, ErrorCode::InvalidArgument) << text;
    }
    EXPECT_FALSE(HttpUrl::parse(std::string_view("http://host\0/metadata", 21)));
}

TEST(HttpUrl, AMissingPathGetsAHint) {
    for (const auto* text : {"http://host:8080", "http://user:secret@host"}) {
        const auto url = HttpUrl::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_THAT(url.error().message, HasSubstr("has no path"));
        EXPECT_THAT(url.error().hint, HasSubstr("/metadata"));
        EXPECT_THAT(url.error().message, Not(HasSubstr("secret")));
    }
}

TEST(HttpUrl, CredentialsAreForTheServerOnly) {
    const auto url = HttpUrl::parse("http://user:se%40cret@host:8080/metadata");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->shown(), "http://host:8080/metadata");
    EXPECT_THAT(url->with("key", "k"), HasSubstr("user:se%40cret@"));
}

TEST(HttpUrl, EveryByteOfAKeyArrives) {
    EXPECT_EQ(percentEncoded("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percentEncoded("/:?#&=+ %"), "%2F%3A%3F%23%26%3D%2B%20%25");
    EXPECT_EQ(percentEncoded(std::string_view("\0\n\xff", 3)), "%00%0A%FF");
    EXPECT_EQ(percentEncoded("ü"), "%C3%BC");
    EXPECT_EQ(percentEncoded(""), "");
}

}  // namespace
}  // namespace mc::metadata
