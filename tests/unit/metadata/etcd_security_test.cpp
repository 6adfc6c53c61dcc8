// Users and passwords, and TLS.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "metadata/etcd_server.h"
#include "metadata/etcd_store.h"
#include "metadata/scripted_http_server.h"

namespace mc::metadata {
namespace {

using std::chrono::seconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr Deadline kNone = std::nullopt;

class EtcdUsersTest : public testing::Test {
  protected:
    void SetUp() override {
        server_.etcdctl("user add root:rootword");
        server_.etcdctl("user grant-role root root");
        server_.etcdctl("user add alice:secret");
        server_.etcdctl("role add engine");
        server_.etcdctl("role grant-permission engine --prefix=true readwrite mooncake/");
        server_.etcdctl("user grant-role alice engine");
        server_.etcdctl("auth enable");
    }
    std::unique_ptr<Store> storeOf(const std::string& user, const std::string& password) const {
        return EtcdStore::open(server_.endpoint(), {.timeout = seconds(20), .username = user, .password = password})
            .value();
    }

    test::EtcdServer server_{{}, {"--auth-token-ttl=2"}};
};

TEST_F(EtcdUsersTest, OnlyWhoMayReadsAndWrites) {
    const auto alice = storeOf("alice", "secret");
    const auto put = alice->put("mooncake/k", "v", Precondition::absent(), kNone);
    ASSERT_TRUE(put) << put.error().message;
    EXPECT_EQ(alice->get("mooncake/k", kNone)->value, "v");
    EXPECT_TRUE(alice->list("mooncake/", 10, "", kNone));
    const auto watch = alice->watch("mooncake/", kNone);
    ASSERT_TRUE(watch) << watch.error().message;
    ASSERT_TRUE(alice->remove("mooncake/k", Precondition::any(), kNone));
    EXPECT_EQ((*watch)->next(SteadyClock::now() + seconds(20)).value()->item.key, "mooncake/k");

    const auto denied = alice->put("other", "v", Precondition::any(), kNone);
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(denied.error().message,
              "put other: metadata server http://" + server_.endpoint() + ": permission denied");
    EXPECT_EQ(alice->list("", 10, "", kNone).error().code, ErrorCode::NotPermitted);
    const auto all = alice->watch("", kNone);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(all.error().message, testing::StartsWith("watch "));
}

TEST_F(EtcdUsersTest, AWrongPasswordIsNotPermittedAndNotRepeated) {
    for (const auto& store : {storeOf("alice", "wrong-secret"), storeOf("nobody", "wrong-secret")}) {
        const auto found = store->get("mooncake/k", kNone);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, ErrorCode::NotPermitted);
        EXPECT_THAT(found.error().message, HasSubstr("authentication failed"));
        EXPECT_THAT(found.error().message + found.error().hint, Not(HasSubstr("wrong-secret")));
    }
}

TEST_F(EtcdUsersTest, WhoHasNoNameIsToldToHaveOne) {
    const auto found = storeOf("", "")->get("mooncake/k", kNone);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(found.error().hint, HasSubstr("metadata_user"));
}

TEST_F(EtcdUsersTest, ATokenIsRenewedWhenItHasExpired) {
    const auto alice = storeOf("alice", "secret");
    ASSERT_TRUE(alice->put("mooncake/k", "v", Precondition::any(), kNone));
    server_.kill();  // The tokens of this kind are in its memory only.
    server_.start();
    const auto put = alice->put("mooncake/k", "w", Precondition::any(), kNone);
    ASSERT_TRUE(put) << put.error().message;
    EXPECT_EQ(alice->get("mooncake/k", kNone)->value, "w");
}

TEST(EtcdUsers, APasswordIsNotNeededWhereEtcdWantsNoneUntilItDoes) {
    const test::EtcdServer server;
    const auto store =
        EtcdStore::open(server.endpoint(), {.timeout = seconds(20), .username = "root", .password = "rootword"})
            .value();
    ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    server.etcdctl("user add root:rootword");
    server.etcdctl("user grant-role root root");
    server.etcdctl("auth enable");
    const auto put = store->put("k", "w", Precondition::any(), kNone);
    EXPECT_TRUE(put) << put.error().message;
}

// A server that never is content with its own token is asked for another one once.
TEST(EtcdUsers, ATokenIsRenewedOnlyOnce) {
    std::atomic<int> tokens = 0;
    const ScriptedHttpServer server([&](const std::string& request) {
        if (request.contains("/v3/auth/authenticate"))
            return stockReply(200, fmt::format(R"({{"token":"token.{}"}})", ++tokens));
        if (request.contains("Authorization: token.1\r\n") && tokens == 1 && !request.contains("/kv/put"))
            return stockReply(200, R"({"header":{"revision":"5"}})");
        return stockReply(401, R"({"code":16,"message":"etcdserver: invalid auth token"})");
    });
    const auto url = server.url().substr(7);
    const auto store =
        EtcdStore::open("etcd://" + url.substr(0, url.find('/')), {.username = "alice", .password = "x\"\xff\n"})
            .value();
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store->put("k", "v", Precondition::any(), kNone).error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(tokens, 2);
}

TEST(EtcdUsers, ATokenThatWouldEndItsHeaderIsRefused) {
    const ScriptedHttpServer server([](const std::string& request) {
        return request.contains("authenticate") ? stockReply(200, R"({"token":"a\r\nHost: b"})") : std::string();
    });
    const auto url = server.url().substr(7);
    const auto store = EtcdStore::open("etcd://" + url.substr(0, url.find('/')), {.username = "alice"}).value();
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::Protocol);
    EXPECT_EQ(server.requests().size(), 1);
}

class EtcdTlsTest : public testing::Test {
  protected:
    test::EtcdServer::Tls tls(const std::string& name, bool clients = false) const {
        return {.certificate = certificates_.certificate(name),
                .key = certificates_.key(name),
                .client_authority = clients ? certificates_.certificate("ca") : ""};
    }
    StoreOptions options(const std::string& authority, const std::string& client = "") const {
        StoreOptions options{.timeout = seconds(20), .ca_file = certificates_.certificate(authority)};
        if (client.empty()) return options;
        options.cert_file = certificates_.certificate(client);
        options.key_file = certificates_.key(client);
        return options;
    }
    static Result<std::string> put(const test::EtcdServer& server, const StoreOptions& options) {
        return EtcdStore::open("etcd://" + server.endpoint(), options)
            .value()
            ->put("k", "v", Precondition::any(), kNone);
    }

    const test::Certificates certificates_;
};

TEST_F(EtcdTlsTest, TheServerMustHaveACertificateOfTheAuthority) {
    const test::EtcdServer server(tls("server"));
    EXPECT_TRUE(put(server, options("ca")));
    const auto store = EtcdStore::open("etcd://" + server.endpoint(), options("ca")).value();
    const auto watch = store->watch("", kNone);
    ASSERT_TRUE(watch) << watch.error().message;
    ASSERT_TRUE(store->put("k", "w", Precondition::any(), kNone));
    EXPECT_TRUE((*watch)->next(SteadyClock::now() + seconds(20)));

    const auto other = put(server, options("other-ca"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::NotPermitted) << other.error().message;
    EXPECT_THAT(other.error().hint, HasSubstr("metadata_ca_file"));
    const auto by_system =
        EtcdStore::open("etcd://https://" + server.endpoint(), {}).value()->put("k", "v", Precondition::any(), kNone);
    ASSERT_FALSE(by_system);
    EXPECT_EQ(by_system.error().code, ErrorCode::NotPermitted) << by_system.error().message;
    const auto no_file = put(server, {.ca_file = "/nowhere.pem"});
    EXPECT_EQ(no_file.error().code, ErrorCode::Config) << no_file.error().message;
}

TEST_F(EtcdTlsTest, PlainHttpToAServerWithTlsFailsClearly) {
    const test::EtcdServer server(tls("server"));
    const auto done =
        EtcdStore::open(server.endpoint(), {.timeout = seconds(5)}).value()->put("k", "v", Precondition::any(), kNone);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().code, AnyOf(ErrorCode::Unavailable, ErrorCode::Protocol)) << done.error().message;
    EXPECT_THAT(done.error().hint, HasSubstr("TLS")) << done.error().message;
}

TEST_F(EtcdTlsTest, NothingIsSentInPlainTextOnceTlsIsAskedFor) {
    const ScriptedHttpServer server(
        [](const std::string&) { return stockReply(200, R"({"header":{"revision":"5"}})"); });
    const auto url = server.url().substr(7);
    const auto endpoint = url.substr(0, url.find('/'));
    for (const StoreOptions& each : {options("ca"), StoreOptions{.cert_file = certificates_.certificate("client"),
                                                                 .key_file = certificates_.key("client")}}) {
        for (const auto& uri : {endpoint, "etcd://" + endpoint, "etcd://https://" + endpoint}) {
            auto limited = each;
            limited.timeout = std::chrono::milliseconds(300);
            EXPECT_FALSE(EtcdStore::open(uri, limited).value()->get("k", kNone)) << uri;
        }
        EXPECT_EQ(EtcdStore::open("etcd://http://" + endpoint, each).error().code, ErrorCode::InvalidArgument);
    }
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(EtcdTlsTest, ACertificateOfAnotherHostOrTimeIsRefused) {
    const test::EtcdServer elsewhere(tls("elsewhere"));
    const auto other = put(elsewhere, options("ca"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::NotPermitted) << other.error().message;
    EXPECT_THAT(other.error().hint, HasSubstr("name or address")) << other.error().message;
    const test::EtcdServer expired(tls("expired"));
    const auto old = put(expired, options("ca"));
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::NotPermitted) << old.error().message;
    EXPECT_THAT(old.error().message, HasSubstr("expired"));
}

TEST_F(EtcdTlsTest, AServerMayWantACertificateOfItsClients) {
    const test::EtcdServer server(tls("server", true));
    const auto done = put(server, options("ca", "client"));
    EXPECT_TRUE(done) << done.error().message;
    for (const auto* client : {"", "stranger"}) {
        const auto refused = put(server, options("ca", client));
        ASSERT_FALSE(refused) << client;
        EXPECT_EQ(refused.error().code, ErrorCode::NotPermitted) << client << ": " << refused.error().message;
        EXPECT_THAT(refused.error().hint, HasSubstr("metadata_cert_file")) << refused.error().message;
    }
    EXPECT_TRUE(put(server, options("ca", "named"))) << "a common name is as good as none";
    auto mixed = options("ca", "client");
    mixed.key_file = certificates_.key("named");
    EXPECT_EQ(put(server, mixed).error().code, ErrorCode::Config);
    mixed.key_file = "/nowhere.key";
    EXPECT_EQ(put(server, mixed).error().code, ErrorCode::Config);
    mixed.cert_file = "";
    EXPECT_EQ(EtcdStore::open("etcd://" + server.endpoint(), mixed).error().code, ErrorCode::Config);
}

TEST_F(EtcdTlsTest, AKeyThatOthersMayReadIsWarnedAbout) {
    const auto with_client = options("ca", "client");
    const auto opened = [&] {
        testing::internal::CaptureStderr();
        EXPECT_TRUE(EtcdStore::open("etcd://127.0.0.1:2379", with_client));
        return testing::internal::GetCapturedStderr();
    };
    EXPECT_EQ(opened(), "");
    ASSERT_EQ(::chmod(with_client.key_file.c_str(), 0640), 0);
    EXPECT_THAT(opened(), HasSubstr(with_client.key_file + ": others may read this key"));
}

}  // namespace
}  // namespace mc::metadata
