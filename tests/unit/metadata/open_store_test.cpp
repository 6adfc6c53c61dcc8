#include "metadata/open_store.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OpenStore, OpensANewMemoryStoreEachTime) {
    const auto one = openStore("memory:").value();
    const auto other = openStore("memory:").value();
    ASSERT_TRUE(one->put("k", "v", Precondition::any(), std::nullopt));
    EXPECT_EQ(one->get("k", std::nullopt)->value, "v");
    EXPECT_EQ(other->get("k", std::nullopt).error().code, ErrorCode::NotFound);
}

TEST(OpenStore, SaysWhatThisBuildKnowsForOtherKindsOfStore) {
    const auto store = openStore("rediss://127.0.0.1");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::Unsupported);
    EXPECT_EQ(store.error().message, "metadata store rediss: this build knows http://, https://, redis:// and etcd://");
}

TEST(OpenStore, OpensEtcdWithoutAskingIt) {
    for (const auto* uri : {"etcd://a:2379,b:2379", "etcd://a", "127.0.0.1:2379", "a:2379;b:2379", "[::1]:2379"}) {
        const auto store = openStore(uri);
        EXPECT_TRUE(store) << uri << ": " << store.error().message;
    }
}

TEST(OpenStore, OpensHttpStoresWithoutAskingTheirServers) {
    for (const auto* uri : {"http://127.0.0.1:9/metadata", "https://meta/metadata", "http://[::1]:8080/a/b",
                            "http://user:secret@host/metadata"}) {
        const auto store = openStore(uri);
        EXPECT_TRUE(store) << uri << ": " << store.error().message;
    }
}

TEST(OpenStore, OpensRedisStoresWithoutAskingTheirServers) {
    for (const auto* uri : {"redis://127.0.0.1", "redis://user@[::1]:6380/2"}) {
        const auto store = openStore(uri);
        EXPECT_TRUE(store) << uri << ": " << store.error().message;
    }
}

TEST(OpenStore, DoesNotRepeatPasswords) {
    const auto http = openStore("http://user:secret@127.0.0.1:8080").error();
    EXPECT_THAT(http.message + http.hint, Not(HasSubstr("secret")));
    const auto error = openStore("redis://user:secret@127.0.0.1:6379").error();
    EXPECT_THAT(error.message + error.hint, Not(HasSubstr("secret")));
}

TEST(OpenStore, RefusesEverythingElse) {
    for (const auto* uri :
         {"", "memory", "memory:x", "memory://", "://", "http://", "ftp://host/x", "just-a-host", "host:port",
          "host:99999", ",", "a:1,,b:2", "two words:1", "/path:1", "etcd://", "etcd://a:1,,b:2", "etcd://a:1/path"}) {
        EXPECT_EQ(openStore(uri).error().code, ErrorCode::InvalidArgument) << uri;
    }
    EXPECT_EQ(openStore("memroy:").error().hint, "did you mean memory:?");
    EXPECT_EQ(openStore("P2PHANDSHAK").error().hint, "did you mean P2PHANDSHAKE?");
}

TEST(OpenStore, P2pHandshakeIsNoStore) {
    EXPECT_TRUE(isP2pHandshake("P2PHANDSHAKE"));
    EXPECT_FALSE(isP2pHandshake("p2phandshake"));
    EXPECT_FALSE(isP2pHandshake("P2PHANDSHAKE "));
    EXPECT_EQ(openStore("P2PHANDSHAKE").error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace mc::metadata
