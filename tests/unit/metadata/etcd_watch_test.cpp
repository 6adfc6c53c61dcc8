#include "metadata/etcd_watch.h"

#include <gmock/gmock.h>

#include <thread>

#include "metadata/etcd_server.h"
#include "metadata/etcd_store.h"
#include "metadata/scripted_http_server.h"

namespace mc::metadata {
namespace {

using testing::HasSubstr;

constexpr Deadline kNone = std::nullopt;
Deadline soon() {
    return SteadyClock::now() + std::chrono::seconds(20);
}

class EtcdWatchTest : public testing::Test {
  protected:
    std::string put(std::string_view key, std::string_view value) {
        return store_->put(key, value, Precondition::any(), kNone).value();
    }

    test::EtcdServer server_;
    std::unique_ptr<Store> store_ = EtcdStore::open(server_.endpoint(), {.timeout = std::chrono::seconds(20)}).value();
};

TEST_F(EtcdWatchTest, SeesChangesBelowItsPrefixInOrder) {
    put("a/0", "before");
    const auto watching = store_->watch("a/", kNone);
    ASSERT_TRUE(watching) << watching.error().message;
    const auto& watch = *watching;
    const auto version = put("a/1", "x");
    put("b/1", "elsewhere");
    ASSERT_TRUE(store_->remove("a/0", Precondition::any(), kNone));
    EXPECT_FALSE(store_->put("a/1", "y", Precondition::absent(), kNone));

    const auto put_event = watch->next(soon()).value();
    EXPECT_EQ(put_event->kind, Event::Kind::Put);
    EXPECT_EQ(put_event->item.key, "a/1");
    EXPECT_EQ(put_event->item.value, "x");
    EXPECT_EQ(put_event->item.version, version);
    const auto remove_event = watch->next(soon()).value();
    EXPECT_EQ(remove_event->kind, Event::Kind::Remove);
    EXPECT_EQ(remove_event->item.key, "a/0");
    EXPECT_EQ(watch->next(SteadyClock::now()).error().code, ErrorCode::TimedOut);
    put("a/2", "");
    EXPECT_EQ(watch->next(soon()).value()->item.key, "a/2") << "a timeout ends nothing";
}

TEST_F(EtcdWatchTest, LosesNothingOfManyChangesThatWait) {
    const auto watch = store_->watch("", kNone).value();
    const std::string value(1000, 'x');
    for (int i = 0; i < 1500; ++i)
        put("k" + std::to_string(i), value);
    for (int i = 0; i < 1500; ++i) {
        const auto event = watch->next(soon());
        ASSERT_TRUE(event) << event.error().message;
        ASSERT_EQ((*event)->item.key, "k" + std::to_string(i));
    }
}

TEST_F(EtcdWatchTest, AWaitingWatchIsWokenByCancelAndOutlivesItsStore) {
    const auto watch = store_->watch("", kNone).value();
    put("waits", "");
    put("waits", "too");
    ASSERT_TRUE(watch->next(soon()));
    store_.reset();
    Result<std::optional<Event>> seen = std::nullopt;
    {
        std::jthread reader([&] {
            while (seen = watch->next(soon()), seen && *seen) {
            }
        });
        watch->cancel();
    }
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_FALSE(watch->next(soon()).value());
}

TEST_F(EtcdWatchTest, TheServersEndEndsIt) {
    const auto watch = store_->watch("", kNone).value();
    put("last", "");
    EXPECT_EQ(watch->next(soon()).value()->item.key, "last");
    server_.kill();
    EXPECT_EQ(watch->next(soon()).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(watch->next(soon()).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(store_->watch("", kNone).error().code, ErrorCode::Unavailable);
    server_.start();
    const auto again = store_->watch("", kNone);
    ASSERT_TRUE(again) << again.error().message;
    put("next", "");
    EXPECT_EQ((*again)->next(soon()).value()->item.key, "next");
}

// As a member that hangs: its kernel still takes what is sent.
TEST_F(EtcdWatchTest, AMemberThatSaysNothingIsAskedWhetherItLives) {
    const StoreOptions options{.timeout = std::chrono::seconds(2)};
    etcd::Client client({"http://" + server_.endpoint()}, options);
    const auto opened = etcd::EtcdWatch::open(
        client, {.prefix = "", .first = 1, .probe_after = std::chrono::milliseconds(20)}, options, kNone);
    ASSERT_TRUE(opened) << opened.error().message;
    const auto& watch = *opened;
    const auto quiet = watch->next(SteadyClock::now() + std::chrono::milliseconds(300));
    EXPECT_EQ(quiet.error().code, ErrorCode::TimedOut) << "it lives: " << quiet.error().message;
    put("k", "");
    EXPECT_EQ(watch->next(soon()).value()->item.key, "k");
    server_.signal(SIGSTOP);
    const auto seen = watch->next(kNone);
    server_.signal(SIGCONT);
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::Unavailable) << seen.error().message;
}

TEST_F(EtcdWatchTest, ARevisionThatWasCompactedIsLost) {
    etcd::Client client({"http://" + server_.endpoint()}, {});
    for (int i = 0; i < 5; ++i)
        put("k", "v");
    server_.etcdctl("compaction 4");
    const auto opened = etcd::EtcdWatch::open(client, {.prefix = "", .first = 2}, {}, kNone);
    const auto ended = opened ? (*opened)->next(soon()) : std::unexpected(opened.error());
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::Io) << ended.error().message;
}

std::string chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

const std::string kRange = stockReply(200, R"({"header":{"revision":"5"}})");
const std::string kStream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kCreated = chunk(R"({"result":{"header":{"revision":"5"},"created":true}})"
                                   "\n");

Result<std::optional<Event>> firstOf(const std::string& stream) {
    const ScriptedHttpServer server(
        [&](const std::string& request) { return request.contains("/v3/watch") ? stream : kRange; });
    const auto url = server.url().substr(7);
    const auto store = EtcdStore::open("etcd://" + url.substr(0, url.find('/')), {}).value();
    const auto watch = store->watch("p/", kNone);
    if (!watch) return std::unexpected(watch.error());
    return (*watch)->next(soon());
}

TEST(EtcdWatch, AnEndThatTheServerTellsKeepsItsReason) {
    const auto ended = [](const std::string& line) { return firstOf(kStream + kCreated + chunk(line + "\n")).error(); };
    EXPECT_EQ(ended(R"({"result":{"canceled":true,"compact_revision":"9"}})").code, ErrorCode::Io);
    const auto denied = ended(R"({"result":{"canceled":true,"cancel_reason":"etcdserver: permission denied"}})");
    EXPECT_EQ(denied.code, ErrorCode::NotPermitted);
    EXPECT_EQ(denied.message, "watch p/: permission denied");
    const auto leader = ended(R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})");
    EXPECT_EQ(leader.code, ErrorCode::Unavailable);
    EXPECT_EQ(ended(R"({"result":{"canceled":true}})").code, ErrorCode::Unavailable);
}

TEST(EtcdWatch, GarbageEndsIt) {
    for (const auto* line : {"hello", "[]", "{}", R"({"result":[]})", R"({"result":{"events":{}}})",
                             R"({"result":{"events":[{"kv":{"key":"cC9h"}}]}})", R"({"result":{"events":[{}]}})",
                             R"({"result":{"events":[{"kv":{"key":"cS9h","mod_revision":"6"}}]}})",
                             R"({"result":{"events":[{"type":"MOVE","kv":{"key":"cC9h","mod_revision":"6"}}]}})"}) {
        EXPECT_EQ(firstOf(kStream + kCreated + chunk(std::string(line) + "\n")).error().code, ErrorCode::Protocol)
            << line;
    }
    EXPECT_EQ(firstOf(kStream + chunk("{\"result\":{\"header\":{}}}\n")).error().code, ErrorCode::Protocol);
    EXPECT_EQ(firstOf(kStream + kCreated + "0\r\n\r\n").error().code, ErrorCode::Unavailable);
    EXPECT_EQ(firstOf(stockReply(404, "404 page not found")).error().code, ErrorCode::Protocol);
}

TEST(EtcdWatch, ALineWithoutChangesIsNoEnd) {
    const auto event =
        firstOf(kStream + kCreated + chunk("{\"result\":{\"header\":{\"revision\":\"7\"}}}\n") +
                chunk(R"({"result":{"events":[{"type":"DELETE","kv":{"key":"cC9h","mod_revision":"8"}}]}})"
                      "\n"));
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ((*event)->item.key, "p/a");
}

}  // namespace
}  // namespace mc::metadata
