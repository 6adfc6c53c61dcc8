#include "metadata/http_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "black_hole.h"
#include "metadata/scripted_http_server.h"

namespace mc::metadata {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::unique_ptr<Store> storeAt(const ScriptedHttpServer& server,
                               const StoreOptions& options = {.connect_timeout = std::chrono::seconds(20),
                                                              .timeout = std::chrono::seconds(20)}) {
    return HttpStore::open(server.url(), options).value();
}

std::string extended(const std::string& request) {
    return request.starts_with("HEAD") ? headReply(true) : extendedReply(200, "value", "7");
}

std::string stock(const std::string& request) {
    return request.starts_with("HEAD") ? headReply(false) : stockReply(200, "value");
}

TEST(HttpStore, AVersionIsOnlyThatOfAServerThatHasThem) {
    const ScriptedHttpServer ours(extended);
    const auto own = storeAt(ours)->get("k", std::nullopt);
    ASSERT_TRUE(own) << own.error().message;
    EXPECT_EQ(own->value, "value");
    EXPECT_EQ(own->version, "7");
    const ScriptedHttpServer other(stock);
    const auto foreign = storeAt(other)->get("k", std::nullopt);
    ASSERT_TRUE(foreign) << foreign.error().message;
    EXPECT_EQ(foreign->version, "") << "the ETag is a proxy's";
}

TEST(HttpStore, SendsWhatStockServersUnderstand) {
    const ScriptedHttpServer server(stock);
    const auto store = storeAt(server);
    const std::string value = "{\"a\":1}";
    EXPECT_EQ(store->put("mooncake/ram/n:1", value, Precondition::any(), std::nullopt), "");
    EXPECT_TRUE(store->remove("mooncake/ram/n:1", Precondition::any(), std::nullopt));
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_THAT(requests[0], StartsWith("PUT /metadata?key=mooncake%2Fram%2Fn%3A1 HTTP/1.1\r\n"));
    EXPECT_THAT(requests[0], HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(requests[0], testing::EndsWith("\r\n\r\n" + value));
    EXPECT_THAT(requests[0], Not(HasSubstr("Expect")));
    EXPECT_THAT(requests[1], StartsWith("DELETE /metadata?key=mooncake%2Fram%2Fn%3A1 HTTP/1.1\r\n"));
    EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpStore, AnEmptyValueIsAValue) {
    const ScriptedHttpServer server(extended);
    EXPECT_EQ(storeAt(server)->put("k", "", Precondition::any(), std::nullopt), "7");
    EXPECT_THAT(server.requests().front(), HasSubstr("Content-Length: 0\r\n"));
}

TEST(HttpStore, AsksBeforeTheFirstCondition) {
    const ScriptedHttpServer server(extended);
    const auto store = storeAt(server);
    EXPECT_EQ(store->put("k", "v", Precondition::absent(), std::nullopt), "7");
    EXPECT_EQ(store->put("k", "w", Precondition::atVersion("7"), std::nullopt), "7");
    EXPECT_TRUE(store->remove("k", Precondition::atVersion("8"), std::nullopt));
    const auto requests = server.requests();
    ASSERT_THAT(server.methods(), ElementsAre("HEAD", "PUT", "PUT", "DELETE"));
    EXPECT_THAT(requests[1], HasSubstr("If-None-Match: *\r\n"));
    EXPECT_THAT(requests[2], HasSubstr("If-Match: \"7\"\r\n"));
    EXPECT_THAT(requests[3], HasSubstr("If-Match: \"8\"\r\n"));
}

TEST(HttpStore, NeverSendsAConditionToAServerThatWouldIgnoreIt) {
    const ScriptedHttpServer server(stock);
    const auto store = storeAt(server);
    EXPECT_EQ(store->put("k", "v", Precondition::absent(), std::nullopt).error().code, ErrorCode::Unsupported);
    EXPECT_EQ(store->put("k", "v", Precondition::atVersion("1"), std::nullopt).error().code, ErrorCode::Unsupported);
    EXPECT_EQ(store->remove("k", Precondition::atVersion("1"), std::nullopt).error().code, ErrorCode::Unsupported);
    EXPECT_THAT(server.methods(), Each("HEAD"));
}

TEST(HttpStore, AsksAgainWhenTheServerMayBeAnotherOne) {
    std::atomic<int> answered = 0;
    const ScriptedHttpServer server([&](const std::string& request) {
        const int number = answered++;
        if (number == 2) return std::string();  // The connection breaks; behind it is a stock server now.
        return number < 2 ? extended(request) : stock(request);
    });
    const auto store = storeAt(server);
    EXPECT_TRUE(store->put("k", "v", Precondition::absent(), std::nullopt));
    EXPECT_EQ(store->put("k", "v", Precondition::absent(), std::nullopt).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(store->put("k", "v", Precondition::absent(), std::nullopt).error().code, ErrorCode::Unsupported);
    EXPECT_THAT(server.methods(), ElementsAre("HEAD", "PUT", "PUT", "HEAD"));
}

TEST(HttpStore, AConditionThatWasIgnoredIsTold) {
    const ScriptedHttpServer server([](const std::string& request) {
        return request.starts_with("HEAD") ? headReply(true) : stockReply(200, "metadata updated");
    });
    const auto put = storeAt(server)->put("k", "v", Precondition::absent(), std::nullopt);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::Protocol);
    EXPECT_THAT(put.error().message, HasSubstr("was replaced"));
}

TEST(HttpStore, AFailedConditionIsAnAnswer) {
    const ScriptedHttpServer server([](const std::string& request) {
        return request.starts_with("HEAD") ? headReply(true) : extendedReply(412, "precondition failed");
    });
    const auto store = storeAt(server);
    EXPECT_EQ(store->put("k", "v", Precondition::absent(), std::nullopt).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store->put("k", "v", Precondition::atVersion("1"), std::nullopt).error().code, ErrorCode::Busy);
    EXPECT_EQ(store->remove("k", Precondition::atVersion("1"), std::nullopt).error().code, ErrorCode::Busy);
}

TEST(HttpStore, RefusesWhatNoServerCouldMean) {
    const ScriptedHttpServer server(extended);
    const auto store = storeAt(server);
    EXPECT_EQ(store->get("", std::nullopt).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store->put("", "v", Precondition::any(), std::nullopt).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store->remove("k", Precondition::absent(), std::nullopt).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store->list("p", 0, "", std::nullopt).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store->list("p", 1, "q", std::nullopt).error().code, ErrorCode::InvalidArgument);
    for (const auto* version : {"", "1\r\nX: y", "a\"b", "a b"}) {
        EXPECT_EQ(store->put("k", "v", Precondition::atVersion(version), std::nullopt).error().code,
                  ErrorCode::InvalidArgument)
            << version;
    }
    EXPECT_TRUE(server.requests().empty());
}

TEST(HttpStore, ALongReplyIsAnErrorThatNamesTheLimit) {
    const std::string value(1001, 'x');
    const ScriptedHttpServer announced([&](const std::string&) { return extendedReply(200, value); });
    const auto store = storeAt(announced, {.max_value = 1000});
    const auto found = store->get("k", std::nullopt);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::BadData);
    EXPECT_THAT(found.error().message, HasSubstr("longer than 1000 bytes"));
    EXPECT_EQ(storeAt(announced, {.max_value = 1001})->get("k", std::nullopt)->value, value);
    // Of a length that is not told before, without an end.
    const ScriptedHttpServer endless([&](const std::string&) {
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + value + "\r\n";
    });
    EXPECT_EQ(storeAt(endless, {.max_value = 1000})->get("k", std::nullopt).error().code, ErrorCode::BadData);
}

TEST(HttpStore, GarbageBreaksTheProtocol) {
    for (const auto* bytes :
         {"-ERR unknown command\r\n", "\x16\x03\x01\x02", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
        const ScriptedHttpServer server(
            [&](const std::string&) { return std::string(bytes) + std::string(100, '\x01'); });
        const auto found = storeAt(server, {.timeout = std::chrono::seconds(20)})->get("k", std::nullopt);
        ASSERT_FALSE(found) << bytes;
        EXPECT_EQ(found.error().code, ErrorCode::Protocol) << bytes << ": " << found.error().message;
    }
}

TEST(HttpStore, WhoeverDoesNotAnswerIsNotWaitedForLongerThanTheDeadline) {
    const ScriptedHttpServer server([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); });
    const auto by_option = storeAt(server, {.timeout = std::chrono::milliseconds(50)})->get("k", std::nullopt);
    EXPECT_EQ(by_option.error().code, ErrorCode::TimedOut);
    EXPECT_THAT(by_option.error().message, HasSubstr("50ms"));
    const auto store = storeAt(server, {.timeout = std::chrono::minutes(10)});
    EXPECT_EQ(store->get("k", SteadyClock::now() + std::chrono::milliseconds(50)).error().code, ErrorCode::TimedOut);
    const auto before = server.requests().size();
    EXPECT_EQ(store->get("k", SteadyClock::now() - std::chrono::seconds(1)).error().code, ErrorCode::TimedOut);
    EXPECT_EQ(server.requests().size(), before);
}

TEST(HttpStore, AConnectionThatDoesNotComeAboutHasALimitOfItsOwn) {
    const test::BlackHole hole;
    const auto store = HttpStore::open(fmt::format("http://127.0.0.1:{}/metadata", hole.address().port()),
                                       {.connect_timeout = std::chrono::milliseconds(50)});
    const auto found = (*store)->get("k", std::nullopt);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::TimedOut);
    EXPECT_THAT(found.error().message, HasSubstr("no connection within 50ms"));
}

TEST(HttpStore, RedirectionsAreNotFollowed) {
    const ScriptedHttpServer elsewhere(extended);
    const ScriptedHttpServer server([&](const std::string&) {
        return "HTTP/1.1 307 X\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n";
    });
    const auto put = storeAt(server)->put("k", "v", Precondition::any(), std::nullopt);
    ASSERT_FALSE(put);
    EXPECT_THAT(put.error().hint, HasSubstr(elsewhere.url()));
    EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(HttpStore, AClosedPortIsUnavailable) {
    std::string url;
    {
        const ScriptedHttpServer server(extended);
        url = server.url();
    }
    const auto found = HttpStore::open(url, {}).value()->get("k", std::nullopt);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(found.error().message, HasSubstr(url + ": Connection refused"));
    EXPECT_THAT(found.error().hint, HasSubstr("running there?"));
}

TEST(HttpStore, AConnectionThatWasClosedMeanwhileIsOpenedAgain) {
    ScriptedHttpServer server(extended);
    const auto store = storeAt(server);
    ASSERT_TRUE(store->get("k", std::nullopt));
    server.closeAll();
    EXPECT_TRUE(store->get("k", std::nullopt));
    EXPECT_EQ(server.connections(), 2U);
}

TEST(HttpStore, ManyThreadsShareFewConnections) {
    const ScriptedHttpServer server(extended);
    const auto store = storeAt(server, {.timeout = std::chrono::minutes(1)});
    constexpr int kThreads = 24;
    std::atomic<int> failed = 0;
    {
        std::latch start(kThreads);
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                for (int k = 0; k < 20; ++k)
                    failed += store->get("k", std::nullopt) ? 0 : 1;
            });
        }
    }
    EXPECT_EQ(failed.load(), 0);
    EXPECT_EQ(server.requests().size(), 480U);
    EXPECT_LE(server.connections(), HttpClient::kMaxTransfers);
}

TEST(HttpStore, ListsPageAfterPage) {
    const ScriptedHttpServer server([](const std::string& request) {
        return extendedReply(200, request.contains("&after=p%2Fa")
                                      ? R"({"items":[{"key":"p/b","value":"2","version":"2"}],"continuation":""})"
                                      : R"({"items":[{"key":"p/a","value":"1","version":"1"}],"continuation":"p/a"})");
    });
    const auto store = storeAt(server);
    const auto first = store->list("p/", 5000, "", std::nullopt);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->continuation, "p/a");
    const auto second = store->list("p/", 1, first->continuation, std::nullopt);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->items.front().key, "p/b");
    EXPECT_EQ(second->continuation, "");
    const auto requests = server.requests();
    EXPECT_THAT(requests[0], StartsWith("GET /metadata?prefix=p%2F&limit=1000 HTTP"));
    EXPECT_THAT(requests[1], StartsWith("GET /metadata?prefix=p%2F&limit=1&after=p%2Fa HTTP"));
    const ScriptedHttpServer other(stock);
    EXPECT_EQ(storeAt(other)->list("p", 1, "", std::nullopt).error().code, ErrorCode::Unsupported);
}

}  // namespace
}  // namespace mc::metadata
