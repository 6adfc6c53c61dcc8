// Several members, dead ones, and servers that are no etcd.
#include <gmock/gmock.h>

#include "black_hole.h"
#include "metadata/etcd_server.h"
#include "metadata/etcd_store.h"
#include "metadata/scripted_http_server.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Deadline kNone = std::nullopt;
constexpr auto kReasonless = R"({"code":2,"message":"something"})";

std::string endpointOf(const ScriptedHttpServer& server) {
    const std::string url = server.url().substr(std::string_view("http://").size());
    return url.substr(0, url.find('/'));
}

std::string nobody() {
    return "127.0.0.1:" + std::to_string(test::EtcdServer::freePort());
}

std::unique_ptr<Store> storeAt(const std::string& endpoints, const StoreOptions& options = {.timeout = seconds(20)}) {
    return EtcdStore::open("etcd://" + endpoints, options).value();
}

std::string absent(const std::string& /*request*/) {
    return stockReply(200, R"({"header":{"revision":"5"}})");
}

std::string refusal(int status, int code, std::string_view message) {
    return stockReply(status, fmt::format(R"({{"error":"{1}","message":"{1}","code":{0}}})", code, message));
}

Error errorOfGet(const std::string& reply) {
    const ScriptedHttpServer server([&](const std::string&) { return reply; });
    const auto found = storeAt(endpointOf(server), {.timeout = seconds(20)})->get("k", kNone);
    EXPECT_FALSE(found) << reply;
    return found ? Error{} : found.error();
}

TEST(EtcdFailover, TheNextMemberIsAskedAndRemembered) {
    const test::EtcdServer server;
    const auto store = storeAt(nobody() + "," + server.endpoint());
    ASSERT_TRUE(store->put("k", "v", Precondition::absent(), kNone)) << "nothing was done by who can't be reached";
    EXPECT_EQ(store->get("k", kNone)->value, "v");
    EXPECT_TRUE(store->list("", 10, "", kNone));
    EXPECT_TRUE(store->watch("", kNone));
}

TEST(EtcdFailover, AMemberThatTakesNoConnectionLeavesTimeForTheNext) {
    const test::EtcdServer server;
    const test::BlackHole hole;
    const auto store = storeAt(hole.address().toString() + ";" + server.endpoint(),
                               {.connect_timeout = seconds(2), .timeout = seconds(20)});
    EXPECT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    EXPECT_TRUE(store->watch("", kNone));
}

TEST(EtcdFailover, TheOneThatWorkedIsAskedFirst) {
    const ScriptedHttpServer first([](const std::string&) { return refusal(503, 14, "etcdserver: no leader"); });
    const ScriptedHttpServer second(absent);
    const auto store = storeAt(endpointOf(first) + "," + endpointOf(second));
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store->get("k", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(first.requests().size(), 1);
    EXPECT_EQ(second.requests().size(), 2);
}

TEST(EtcdFailover, AChangeOfUnknownResultIsNotRepeated) {
    for (const auto& reply : {std::string(), refusal(503, 14, "etcdserver: leader changed"),
                              refusal(504, 14, "etcdserver: request timed out"), stockReply(502, "proxy")}) {
        const ScriptedHttpServer first([&](const std::string&) { return reply; });
        const ScriptedHttpServer second(absent);
        const auto changed = storeAt(endpointOf(first) + "," + endpointOf(second));
        EXPECT_FALSE(changed->put("k", "v", Precondition::any(), kNone)) << reply;
        ASSERT_EQ(first.requests().size(), 1) << reply;
        EXPECT_TRUE(second.requests().empty()) << reply;
        EXPECT_TRUE(changed->put("k", "v", Precondition::any(), kNone)) << "a new one goes elsewhere: " << reply;
        const auto read = storeAt(endpointOf(first) + "," + endpointOf(second));
        EXPECT_EQ(read->get("k", kNone).error().code, ErrorCode::NotFound) << "a read is: " << reply;
    }
}

TEST(EtcdFailover, AChangeThatAMemberRefusedGoesToTheNext) {
    const ScriptedHttpServer first([](const std::string&) { return refusal(503, 14, "etcdserver: no leader"); });
    const ScriptedHttpServer second(absent);
    EXPECT_EQ(storeAt(endpointOf(first) + "," + endpointOf(second))->put("k", "v", Precondition::any(), kNone), "5");
}

TEST(EtcdFailover, AReadDoesNotSpendAllItsTimeOnOneMember) {
    const ScriptedHttpServer hangs([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); });
    const ScriptedHttpServer second(absent);
    const auto store = storeAt(endpointOf(hangs) + "," + endpointOf(second));
    const auto found = store->get("k", SteadyClock::now() + seconds(10));
    EXPECT_EQ(found.error().code, ErrorCode::NotFound) << found.error().message;
}

TEST(EtcdFailover, AConnectionThatWasClosedMeanwhileIsOpenedAgain) {
    ScriptedHttpServer server(absent);
    const auto store = storeAt(endpointOf(server));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
        server.closeAll();
    }
    EXPECT_EQ(server.requests().size(), 3);
    EXPECT_EQ(server.connections(), 3);
}

TEST(EtcdFailover, AServerThatComesBackIsUsedAgain) {
    test::EtcdServer server;
    const auto store = storeAt(server.endpoint());
    ASSERT_TRUE(store->put("k", "v", Precondition::any(), kNone));
    server.kill();
    const auto gone = store->get("k", kNone);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(gone.error().message, "get k: metadata server http://" + server.endpoint() + ": Connection refused");
    EXPECT_EQ(gone.error().hint, "is the metadata server running there?");
    server.start();
    EXPECT_EQ(store->get("k", kNone)->value, "v");
}

TEST(EtcdFailover, NoMemberAtAllIsTold) {
    const auto first = nobody();
    const ScriptedHttpServer second([](const std::string&) { return refusal(503, 14, "etcdserver: no leader"); });
    const auto found = storeAt(first + "," + endpointOf(second))->get("k", kNone);
    EXPECT_EQ(found.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(found.error().message, "get k: metadata server http://" + first +
                                         ": Connection refused; metadata server http://" + endpointOf(second) +
                                         ": no leader");
    EXPECT_THAT(found.error().hint, HasSubstr("majority"));
}

TEST(EtcdFailover, WhoeverDoesNotAnswerIsNotWaitedForLongerThanTheDeadline) {
    const ScriptedHttpServer server([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); });
    EXPECT_EQ(storeAt(endpointOf(server), {.timeout = milliseconds(50)})->get("k", kNone).error().code,
              ErrorCode::TimedOut);
    const auto store = storeAt(endpointOf(server), {.timeout = std::chrono::minutes(10)});
    EXPECT_EQ(store->get("k", SteadyClock::now() + milliseconds(50)).error().code, ErrorCode::TimedOut);
    EXPECT_EQ(store->watch("k", SteadyClock::now() + milliseconds(50)).error().code, ErrorCode::TimedOut);
    const auto before = server.requests().size();
    EXPECT_EQ(store->put("k", "v", Precondition::any(), SteadyClock::now() - seconds(1)).error().code,
              ErrorCode::TimedOut);
    EXPECT_EQ(server.requests().size(), before);
}

TEST(EtcdFailover, WhatIsNoEtcdBreaksTheProtocol) {
    for (const std::string& reply :
         {std::string("-ERR unknown command\r\n"), std::string("\x16\x03\x01\x02") + std::string(100, '\x01'),
          stockReply(200, "<html>hello</html>"), stockReply(200, "[]"), stockReply(200, "{}"),
          stockReply(200, R"({"header":{"revision":7}})"), stockReply(404, "404 page not found"),
          stockReply(404, R"({"code":5,"message":"Not Found"})"), stockReply(400, "bad"), stockReply(301, ""),
          stockReply(200, R"({"header":{"revision":"7"},"kvs":{}})"),
          stockReply(200, R"({"header":{"revision":"7"},"kvs":[{}]})"),
          stockReply(200, R"({"header":{"revision":"7"},"kvs":[{"key":"b3RoZXI=","mod_revision":"7"}]})"),
          stockReply(200, R"({"header":{"revision":"7"},"kvs":[{"key":"aw==","value":"!","mod_revision":"7"}]})")}) {
        const Error error = errorOfGet(reply);
        EXPECT_EQ(error.code, ErrorCode::Protocol) << reply << ": " << error.message;
        EXPECT_NE(error.hint, "") << reply;
    }
}

TEST(EtcdFailover, AHalfReplyIsUnavailable) {
    std::string half = stockReply(200, R"({"header":{"revision":"5"}})");
    half.resize(half.size() - 5);
    bool closes = false;
    ScriptedHttpServer* running = nullptr;
    ScriptedHttpServer server([&](const std::string&) {
        if (std::exchange(closes, true)) running->closeAll();
        return half;
    });
    running = &server;
    EXPECT_EQ(storeAt(endpointOf(server), {.timeout = milliseconds(100)})->get("k", kNone).error().code,
              ErrorCode::TimedOut);
    const ScriptedHttpServer cut([](const std::string&) {
        return std::string(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"hea\r\nffffffffffffffffff\r\n");
    });
    EXPECT_FALSE(storeAt(endpointOf(cut), {.timeout = seconds(2)})->get("k", kNone));
}

TEST(EtcdFailover, EveryRefusalHasItsCode) {
    const auto codeOf = [](int status, int code, std::string_view message) {
        return errorOfGet(refusal(status, code, message)).code;
    };
    EXPECT_EQ(codeOf(403, 7, "etcdserver: permission denied"), ErrorCode::NotPermitted);
    EXPECT_EQ(codeOf(400, 3, "etcdserver: user name is empty"), ErrorCode::NotPermitted);
    EXPECT_EQ(codeOf(401, 16, "something else"), ErrorCode::NotPermitted);
    EXPECT_EQ(codeOf(503, 14, "etcdserver: no leader"), ErrorCode::Unavailable);
    EXPECT_EQ(codeOf(504, 4, "context deadline exceeded"), ErrorCode::TimedOut);
    EXPECT_EQ(codeOf(400, 3, "etcdserver: request is too large"), ErrorCode::InvalidArgument);
    EXPECT_EQ(codeOf(429, 8, "grpc: received message larger than max (9 vs. 8)"), ErrorCode::InvalidArgument);
    EXPECT_EQ(codeOf(429, 8, "etcdserver: mvcc: database space exceeded"), ErrorCode::Full);
    EXPECT_EQ(codeOf(501, 12, "unknown service"), ErrorCode::Unsupported);
    EXPECT_EQ(codeOf(500, 13, "panic"), ErrorCode::Io);
    EXPECT_EQ(errorOfGet(stockReply(500, kReasonless)).code, ErrorCode::Io);
    EXPECT_EQ(errorOfGet(stockReply(502, "bad gateway")).code, ErrorCode::Unavailable);
    EXPECT_EQ(errorOfGet(stockReply(403, "forbidden")).code, ErrorCode::NotPermitted);
    EXPECT_EQ(errorOfGet(refusal(500, 13, "line\\u0007")).message.find('\a'), std::string::npos);
}

TEST(EtcdFailover, AListingThatNeverEndsIsBroken) {
    for (const auto* kvs : {R"([])", R"([{"key":"cC9h","mod_revision":"6"},{"key":"cC9h","mod_revision":"6"}])",
                            R"([{"key":"cS9h","mod_revision":"6"}])"}) {
        const ScriptedHttpServer server([&](const std::string&) {
            return stockReply(200, fmt::format(R"({{"header":{{"revision":"7"}},"more":true,"kvs":{}}})", kvs));
        });
        EXPECT_EQ(storeAt(endpointOf(server))->list("p/", 10, "", kNone).error().code, ErrorCode::Protocol) << kvs;
    }
}

}  // namespace
}  // namespace mc::metadata
