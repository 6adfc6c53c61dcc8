#include "metadata/http_watch.h"

#include <gmock/gmock.h>

#include <mutex>
#include <thread>

#include "metadata/http_store.h"
#include "metadata/scripted_http_server.h"

namespace mc::metadata {
namespace {

using testing::HasSubstr;

std::string chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

const std::string kHead =
    "HTTP/1.1 200 OK\r\nMc-Metadata: 1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kHello = kHead + chunk("{\"watching\":\"p/\",\"version\":\"1\"}\n");

class HttpWatchTest : public testing::Test {
  protected:
    static Deadline soon() { return SteadyClock::now() + std::chrono::seconds(20); }

    Result<std::unique_ptr<Watch>> watch(std::string_view prefix = "p/") {
        return HttpStore::open(server_.url(),
                               {.connect_timeout = std::chrono::seconds(20), .timeout = std::chrono::seconds(20)})
            .value()
            ->watch(prefix, std::nullopt);
    }

    // To the next requests.
    void reply(std::string text) {
        const std::lock_guard lock(mutex_);
        reply_ = std::move(text);
    }

    std::mutex mutex_;
    std::string reply_ = kHello;
    ScriptedHttpServer server_{[this](const std::string&) {
        const std::lock_guard lock(mutex_);
        return reply_;
    }};
};

TEST_F(HttpWatchTest, TellsChangesInTheirOrder) {
    const auto watching = watch();
    ASSERT_TRUE(watching) << watching.error().message;
    EXPECT_THAT(server_.requests().front(), HasSubstr("GET /metadata?watch=p%2F HTTP"));
    // Split where it does not fit, with a heartbeat between.
    const std::string put = "{\"type\":\"put\",\"key\":\"p/a\",\"value\":\"v\",\"version\":\"2\"}\n";
    server_.push(chunk(put.substr(0, 10)));
    server_.push(chunk(put.substr(10) + "\n{\"type\":\"remove\",\"key\":\"p/a\"}\n"));
    const auto first = (*watching)->next(soon());
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ((*first)->kind, Event::Kind::Put);
    EXPECT_EQ((*first)->item.version, "2");
    const auto second = (*watching)->next(soon());
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ((*second)->kind, Event::Kind::Remove);
}

TEST_F(HttpWatchTest, ADeadlineDoesNotEndIt) {
    const auto watching = watch();
    ASSERT_TRUE(watching);
    EXPECT_EQ((*watching)->next(SteadyClock::now()).error().code, ErrorCode::TimedOut);
    EXPECT_EQ((*watching)->next(SteadyClock::now() + std::chrono::milliseconds(20)).error().code, ErrorCode::TimedOut);
    server_.push(chunk("{\"type\":\"remove\",\"key\":\"p/a\"}\n"));
    EXPECT_TRUE((*watching)->next(soon()));
}

TEST_F(HttpWatchTest, CanBeCancelledFromAnotherThread) {
    const auto watching = watch();
    ASSERT_TRUE(watching);
    Result<std::optional<Event>> seen = std::nullopt;
    {
        std::jthread reader([&] { seen = (*watching)->next(soon()); });
        (*watching)->cancel();
    }
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_FALSE(*seen);
    EXPECT_FALSE(*(*watching)->next(soon())) << "and all later ones";
}

TEST_F(HttpWatchTest, TheEndOfTheServerIsToldAfterItsLastChange) {
    const auto watching = watch();
    ASSERT_TRUE(watching);
    server_.push(chunk("{\"type\":\"remove\",\"key\":\"p/a\"}\n"));
    server_.closeAll();
    EXPECT_TRUE((*watching)->next(soon()));
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Unavailable);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Unavailable);
}

TEST_F(HttpWatchTest, AnOrderlyEndIsUnavailableToo) {
    reply(kHello + "0\r\n\r\n");
    const auto watching = watch();
    ASSERT_TRUE(watching);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Unavailable);
}

TEST_F(HttpWatchTest, LostChangesEndIt) {
    reply(kHello + chunk("{\"error\":\"too slow\"}\n") + "0\r\n\r\n");
    const auto watching = watch();
    ASSERT_TRUE(watching);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Io);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Io);
}

TEST_F(HttpWatchTest, GarbageEndsIt) {
    reply(kHello + chunk("hello\n{\"type\":\"remove\",\"key\":\"p/a\"}\n"));
    const auto watching = watch();
    ASSERT_TRUE(watching);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Protocol);
    EXPECT_EQ((*watching)->next(soon()).error().code, ErrorCode::Protocol) << "nothing is taken behind it";
}

TEST_F(HttpWatchTest, OnlyAWatchIsAWatch) {
    reply(stockReply(400, "missing key"));
    EXPECT_EQ(watch().error().code, ErrorCode::Unsupported);
    reply(extendedReply(503, "too many watches"));
    EXPECT_EQ(watch().error().code, ErrorCode::Unavailable);
    reply(extendedReply(200, "{\"watching\":\"q/\"}\n"));
    EXPECT_EQ(watch().error().code, ErrorCode::Protocol);
    reply("");
    EXPECT_EQ(watch().error().code, ErrorCode::Unavailable);
    reply(kHead);
    const auto silent = HttpStore::open(server_.url(), {.timeout = std::chrono::milliseconds(50)}).value();
    EXPECT_EQ(silent->watch("p/", std::nullopt).error().code, ErrorCode::TimedOut);
}

}  // namespace
}  // namespace mc::metadata
