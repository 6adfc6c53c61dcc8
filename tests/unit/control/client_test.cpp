#include "control/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "control/fixture.h"
#include "io/socket.h"

namespace mc::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using ControlClientTest = test::ServerFixture;

TEST_F(ControlClientTest, CallsAndGetsTheResult) {
    start();
    auto client = ControlClient::connect(path_, seconds(20));
    ASSERT_TRUE(client) << client.error().message;
    EXPECT_EQ(client->call("echo", R"({"a":"b"})").value(), R"({"a":"b"})");
    EXPECT_EQ(client->call("echo").value(), "null");
}

TEST_F(ControlClientTest, GetsTheErrorThatTheServerTold) {
    start();
    auto client = ControlClient::connect(path_, seconds(20));
    ASSERT_TRUE(client);
    const auto unknown = client->call("unknown");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("Method not found"));
    const auto wrong = client->call("methods", "[1]");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(client->call("echo", "{").error().code, ErrorCode::InvalidArgument);
}

TEST_F(ControlClientTest, WithoutAServerItIsUnavailable) {
    const auto missing = ControlClient::connect(path_, seconds(20));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(missing.error().hint, HasSubstr("start mc-target"));
}

TEST_F(ControlClientTest, DoesNotWaitForEver) {
    start();
    auto client = ControlClient::connect(path_, milliseconds(50));
    ASSERT_TRUE(client);
    const auto waited = client->call("wait");
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ErrorCode::TimedOut);
}

/// Answers one request with the bytes that the test gives.
std::string callAgainst(const std::filesystem::path& path, const std::string& reply) {
    auto socket = ControlSocket::bind(path).value();
    std::jthread server([&] {
        for (;;) {
            const auto client = io::acceptFrom(socket.listener());
            if (!client || !*client) {
                std::this_thread::yield();
                continue;
            }
            (void)::send(client->get(), reply.data(), reply.size(), MSG_NOSIGNAL);
            return;
        }
    });
    auto client = ControlClient::connect(path, seconds(20));
    const auto result = client->call("status");
    return result ? *result : toString(result.error().code) + std::string(": ") + result.error().message;
}

TEST_F(ControlClientTest, ToleratesWhateverComesBack) {
    EXPECT_THAT(callAgainst(path_, "garbage\n"), HasSubstr("protocol: "));
    EXPECT_THAT(callAgainst(path_, "[]\n"), HasSubstr("protocol: "));
    EXPECT_THAT(callAgainst(path_, "{}\n"), HasSubstr("protocol: "));
    EXPECT_THAT(callAgainst(path_, "{\"error\":7}\n"), HasSubstr("unavailable: "));
    EXPECT_THAT(callAgainst(path_, "{\"error\":{\"message\":7,\"data\":[]}}\n"), HasSubstr("unavailable: "));
    EXPECT_THAT(callAgainst(path_, "{\"result\":1}\n"), "1");
}

}  // namespace
}  // namespace mc::control
