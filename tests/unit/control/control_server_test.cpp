#include "control/control_server.h"

#include <gtest/gtest.h>

#include <list>

#include "control/fixture.h"

namespace mc::control {
namespace {

using nlohmann::json;
using test::RawClient;
using ControlServerTest = test::ServerFixture;

TEST_F(ControlServerTest, AnswersLineByLineInOrder) {
    start();
    RawClient client(path_);
    ASSERT_TRUE(
        client.send(request("echo", "[1]", 1) + "\n  \r\n" + request("echo", "[2]", 2) + request("no", "[]", 3)));
    EXPECT_EQ(json::parse(client.line())["result"][0], 1);
    EXPECT_EQ(json::parse(client.line())["result"][0], 2);
    EXPECT_EQ(json::parse(client.line())["id"], 3);
}

TEST_F(ControlServerTest, TakesAMessageByteByByte) {
    start();
    RawClient client(path_);
    for (const char letter : request("echo", "[\"slow\"]", 1))
        ASSERT_TRUE(client.send({&letter, 1}));
    EXPECT_EQ(json::parse(client.line())["result"][0], "slow");
}

TEST_F(ControlServerTest, AnswersWhatAClientSentBeforeItEndedItsInput) {
    start();
    RawClient client(path_);
    std::string both = request("echo", "[1]", 1) + request("echo", "[2]", 2);
    both.pop_back();  // The last one needs no newline.
    ASSERT_TRUE(client.send(both));
    client.endInput();
    EXPECT_EQ(json::parse(client.line())["id"], 1);
    EXPECT_EQ(json::parse(client.line())["id"], 2);
    EXPECT_TRUE(client.closed());
}

TEST_F(ControlServerTest, AMethodThatLastsHoldsUpNoOtherClient) {
    start();
    RawClient client(path_);
    ASSERT_TRUE(client.send(request("wait", "[]", 1)));
    awaitWaiting();
    expectServes();
    openGate();
    EXPECT_EQ(json::parse(client.line())["result"], "done");
}

TEST_F(ControlServerTest, SendsNothingForNotifications) {
    start();
    RawClient client(path_);
    ASSERT_TRUE(client.send("{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n" + request("echo", "[3]", 3)));
    EXPECT_EQ(json::parse(client.line())["id"], 3);
}

TEST_F(ControlServerTest, MalformedMessagesHarmNobody) {
    start();
    RawClient other(path_);
    for (const std::string_view bad : {"{", "\xff\xfe", "[[[[", "{}", "\"\\ud800\"", "nul"}) {
        RawClient client(path_);
        ASSERT_TRUE(client.send(std::string(bad) + "\n"));
        EXPECT_TRUE(json::parse(client.line()).contains("error"));
        ASSERT_TRUE(client.send(request("echo", "[4]", 4)));
        EXPECT_EQ(json::parse(client.line())["id"], 4);
    }
    ASSERT_TRUE(other.send(request("echo", "[5]", 5)));
    EXPECT_EQ(json::parse(other.line())["id"], 5);
}

TEST_F(ControlServerTest, AMessageThatIsTooLongEndsTheConnection) {
    start({.max_message_length = 1000});
    RawClient client(path_);
    client.send(std::string(5000, ' '));
    const json reply = json::parse(client.line());
    EXPECT_EQ(reply["error"]["code"], -32600);
    EXPECT_TRUE(client.closed());
    RawClient with_end(path_);
    with_end.send(std::string(2000, '1') + "\n");
    EXPECT_EQ(json::parse(with_end.line())["error"]["code"], -32600);
    expectServes();
}

TEST_F(ControlServerTest, AClientThatStopsInTheMiddleIsDropped) {
    start({.idle_timeout = std::chrono::milliseconds(1000)});
    RawClient client(path_);
    ASSERT_TRUE(client.send("{\"jsonrpc\":"));
    EXPECT_TRUE(client.closed());
    expectServes();
}

TEST_F(ControlServerTest, AClientThatNeverReadsHoldsUpNobody) {
    start({.idle_timeout = std::chrono::milliseconds(1500)});
    RawClient client(path_);
    const std::string large = request("echo", "[\"" + std::string(900'000, 'x') + "\"]", 1);
    ASSERT_TRUE(client.send(large));
    expectServes();
    EXPECT_TRUE(client.closed());
}

TEST_F(ControlServerTest, AMethodThatTakesLongHoldsUpNoBytesAndOutlivesItsClient) {
    start();
    {
        RawClient gone(path_);
        ASSERT_TRUE(gone.send(request("wait", "[]", 1)));
        awaitWaiting();
    }
    RawClient client(path_);
    ASSERT_TRUE(client.send(request("echo", "[6]", 6)));
    openGate();
    EXPECT_EQ(json::parse(client.line())["id"], 6);
}

TEST_F(ControlServerTest, EndsWhileClientsAreConnected) {
    start();
    RawClient idle(path_);
    RawClient half(path_);
    ASSERT_TRUE(half.send("{"));
    expectServes();
    server_.reset();
    EXPECT_TRUE(idle.closed());
    EXPECT_TRUE(half.closed());
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlServerTest, MoreClientsThanAreAllowedAreClosedAtOnce) {
    start({.max_connections = 3});
    std::list<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
        RawClient& client = clients.emplace_back(path_);
        ASSERT_TRUE(client.send(request("echo", "[1]", i)));
        EXPECT_EQ(json::parse(client.line())["id"], i);
    }
    RawClient surplus(path_);
    EXPECT_TRUE(surplus.closed());
    clients.clear();
    // The places are free again once the server has seen the ends.
    for (;;) {
        RawClient client(path_);
        if (client.send(request("echo", "[1]", 1)) && !client.line().empty()) break;
    }
}

}  // namespace
}  // namespace mc::control
