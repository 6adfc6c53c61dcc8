#include "metadata/etcd_endpoints.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(EtcdEndpoints, AreSeparatedByCommaOrSemicolon) {
    EXPECT_THAT(parseEndpoints("etcd://a:1,b:2;c:3", false).value(),
                ElementsAre("http://a:1", "http://b:2", "http://c:3"));
    EXPECT_THAT(parseEndpoints("a:1;[::1]:2", false).value(), ElementsAre("http://a:1", "http://[::1]:2"));
    EXPECT_THAT(parseEndpoints("etcd://a/", false).value(), ElementsAre("http://a:2379")) << "etcd's own port";
}

TEST(EtcdEndpoints, AreAllWithTlsOrNone) {
    EXPECT_THAT(parseEndpoints("etcd://a:1,b:2", true).value(), ElementsAre("https://a:1", "https://b:2"));
    EXPECT_THAT(parseEndpoints("etcd://a:1,https://b:2", false).value(), ElementsAre("https://a:1", "https://b:2"));
    EXPECT_THAT(parseEndpoints("etcd://http://a:1", false).value(), ElementsAre("http://a:1"));
    EXPECT_EQ(parseEndpoints("etcd://http://a:1", true).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(parseEndpoints("etcd://http://a:1,https://b:2", false).error().code, ErrorCode::InvalidArgument);
}

TEST(EtcdEndpoints, RefuseEverythingElse) {
    for (const auto* uri : {"etcd://", "etcd://a:1,,b:2", "etcd://a:x", "etcd://a:1/path", "etcd://two words:1",
                            "etcd://a:99999", "etcd://ftp://a:1", "etcd://a?b", "etcd://:1", "etcd://a:1\n"}) {
        const auto parsed = parseEndpoints(uri, false);
        ASSERT_FALSE(parsed) << uri;
        EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument) << uri;
        EXPECT_THAT(parsed.error().hint, HasSubstr("etcd://HOST:2379")) << uri;
    }
}

TEST(EtcdEndpoints, DoNotRepeatPasswords) {
    for (const auto* uri :
         {"etcd://user:secret@a:1", "etcd://https://user:secret@a:1", "etcd://b:1,user:secret@a:1/x"}) {
        const auto parsed = parseEndpoints(uri, false);
        ASSERT_FALSE(parsed) << uri;
        EXPECT_THAT(parsed.error().message + parsed.error().hint, Not(HasSubstr("secret"))) << uri;
        EXPECT_THAT(parsed.error().hint, HasSubstr("metadata_user"));
    }
}

}  // namespace
}  // namespace mc::metadata
