#include "metadata/handshake_daemon.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "base/errors.h"
#include "metadata/daemon_fixture.h"
#include "metadata/handshake_messages.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kEmptyConnection =
    R"({"local_gid":"","local_lid":0,"local_nic_path":"","payload":"","peer_nic_path":"","qp_num":[],"reply_msg":""})"
    "\n";

class HandshakeDaemonTest : public DaemonFixture {
  protected:
    // The handlers of an engine without RDMA.
    void startEngineLike(const HandshakeDaemonOptions& options = {}) {
        start(options);
        daemon_->setHandler(MessageType::Connection, [](std::string_view json) -> Result<std::string> {
            if (auto message = decodeConnectionMessage(json); !message) return std::unexpected(message.error());
            return encodeConnectionMessage({});
        });
        daemon_->setHandler(MessageType::Notify, [](std::string_view json) -> Result<std::string> {
            if (auto message = decodeNotifyMessage(json); !message) return std::unexpected(message.error());
            return encodeNotifyMessage({"", "success"});
        });
        daemon_->setHandler(MessageType::Probe, [](std::string_view) { return std::string(kProbeReply); });
    }
};

TEST_F(HandshakeDaemonTest, AnswersEveryTypeWithTheObservedBytes) {
    startEngineLike();
    daemon_->setHandler(MessageType::Metadata, [](std::string_view) { return std::string(R"({"name":"y"})"); });
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}")), std::string("\x16\0\0\0\0\0\0\0\x03", 9) + R"({"status":"success"})"
                                                                                              "\n");
    EXPECT_EQ(replyTo(port_, wireFrame("\x02{\"name\":\"a\",\"notify_msg\":\"b\"}\n")),
              std::string("\x24\0\0\0\0\0\0\0\x02", 9) + R"({"name":"","notify_msg":"success"})"
                                                         "\n");
    EXPECT_EQ(replyTo(port_, wireFrame("\x01{\"name\":\"x\"}")), wireFrame("\x01{\"name\":\"y\"}\n"));
    EXPECT_EQ(replyTo(port_, wireFrame(std::string("\0{}", 3))),
              std::string("\x6f\0\0\0\0\0\0\0\0", 9).append(kEmptyConnection));
}

TEST_F(HandshakeDaemonTest, AnswersTheOldFormatInTheOldFormat) {
    startEngineLike();
    EXPECT_EQ(replyTo(port_, wireFrame("{}\n")), std::string("\x6e\0\0\0\0\0\0\0", 8).append(kEmptyConnection));
}

TEST_F(HandshakeDaemonTest, AnswersNullWhereNobodyRegistered) {
    start();
    EXPECT_EQ(replyTo(port_, wireFrame(std::string("\0{}", 3))), std::string("\x06\0\0\0\0\0\0\0\0null\n", 14));
    EXPECT_EQ(replyTo(port_, wireFrame("\x02{}")), std::string("\x06\0\0\0\0\0\0\0\x02null\n", 14));
    EXPECT_EQ(replyTo(port_, wireFrame("{}")), std::string("\x05\0\0\0\0\0\0\0null\n", 13));
}

TEST_F(HandshakeDaemonTest, AHandlerCanBeReplacedAndRemoved) {
    startEngineLike();
    daemon_->setHandler(MessageType::Probe, [](std::string_view) { return std::string("1"); });
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}")), wireFrame("\x03"
                                                             "1\n"));
    daemon_->setHandler(MessageType::Probe, {});
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}")), wireFrame("\x03null\n"));
}

TEST_F(HandshakeDaemonTest, ClosesOnMalformedMessagesWithoutReply) {
    startEngineLike();
    const std::vector<std::string> malformed{
        wireFrame(std::string("\0{\"payload\":{}}", 15)),  // Ends a stock engine.
        wireFrame(std::string("\0{\"qp_num\":[-1]}", 16)),
        wireFrame(std::string("\0null", 5)),
        wireFrame("{\"payload\":{}}"),
        wireFrame("\x02[]"),
        wireFrame("\x03{"),
        wireFrame("\x03"),
        wireFrame("\x03{} {}"),
        wireFrame(std::string("\x03{}\0", 4)),
        wireFrame("\x03\"\xff\""),
        wireFrame("\x04{}"),
        wireFrame("\x7f{}"),
        wireFrame("\x80{}"),
        wireFrame("\xff{}"),
        wireFrame("GET / HTTP/1.1"),
        wireFrame(std::string(1, '\x03') + std::string(100000, '[')),
        wireFrame(std::string("\0", 1) + R"({"payload":)" + std::string(100000, '[') + std::string(100000, ']') + "}"),
        wireLength(0),
        wireLength(kDefaultMaxMessageLength + 1),
        wireLength(~0ULL),
        "GET / HTTP/1.1\r\n\r\n",
    };
    for (const auto& bytes : malformed) {
        EXPECT_EQ(replyTo(port_, bytes), "") << bytes.substr(0, 100);
    }
    EXPECT_EQ(probe(), kProbeReply);
}

TEST_F(HandshakeDaemonTest, ClosesWhenAHandlerFailsOrThrows) {
    startEngineLike();
    daemon_->setHandler(MessageType::Notify,
                        [](std::string_view) -> Result<std::string> { return fail(ErrorCode::Busy, "full"); });
    daemon_->setHandler(MessageType::Metadata, [](std::string_view) -> Result<std::string> {
        throw std::runtime_error("thrown by the test");
    });
    EXPECT_EQ(replyTo(port_, wireFrame("\x02{}")), "");
    EXPECT_EQ(replyTo(port_, wireFrame("\x01{}")), "");
    EXPECT_EQ(probe(), kProbeReply);
}

TEST_F(HandshakeDaemonTest, ReadsUpToTheLimitAndNotAByteMore) {
    startEngineLike({.max_message_length = 100});
    const std::string json = "{}" + std::string(97, ' ');
    EXPECT_NE(replyTo(port_, wireFrame("\x03" + json)), "");
    EXPECT_EQ(replyTo(port_, wireFrame("\x03" + json + " ")), "");
}

TEST_F(HandshakeDaemonTest, CarriesAMegabyteBothWays) {
    start();
    daemon_->setHandler(MessageType::Metadata, [](std::string_view json) { return std::string(json); });
    const std::string request = wireFrame("\x01\"" + std::string(kDefaultMaxMessageLength - 4, 'x') + "\"\n");
    EXPECT_EQ(replyTo(port_, request), request);
}

TEST_F(HandshakeDaemonTest, AnswersAClientThatHasShutItsSide) {
    startEngineLike();
    RawClient client(port_);
    client.send(wireFrame("\x03{}"));
    client.shutdownWrite();
    EXPECT_EQ(client.readToEnd(), wireFrame(std::string(1, '\x03').append(kProbeReply) + "\n"));
}

TEST_F(HandshakeDaemonTest, TheReplySurvivesBytesAfterTheRequest) {
    startEngineLike();
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}") + wireFrame("\x02{}") + std::string(10000, 'x')),
              wireFrame(std::string(1, '\x03').append(kProbeReply) + "\n"));
}

TEST_F(HandshakeDaemonTest, ClosesAnIdleClient) {
    startEngineLike({.idle_timeout = milliseconds(20)});
    EXPECT_EQ(replyTo(port_, ""), "");
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}").substr(0, 5)), "");
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}").substr(0, 10)), "");
}

TEST_F(HandshakeDaemonTest, ClosesAClientThatTakesTooLongAltogether) {
    startEngineLike({.idle_timeout = std::chrono::hours(1), .total_timeout = milliseconds(20)});
    EXPECT_EQ(replyTo(port_, wireFrame("\x03{}").substr(0, 10)), "");
}

TEST_F(HandshakeDaemonTest, ClosesAClientThatDoesNotTakeItsReply) {
    start({.max_connections = 1, .idle_timeout = milliseconds(100)});
    daemon_->setHandler(MessageType::Metadata, [](std::string_view) { return '"' + std::string(32 << 20, 'x') + '"'; });
    RawClient client(port_);
    client.send(wireFrame("\x01{}"));
    while (replyTo(port_, wireFrame("\x03{}")).empty()) {
        std::this_thread::sleep_for(milliseconds(5));  // Refused until the first is gone.
    }
    EXPECT_LT(client.readToEnd().size(), 32U << 20);
}

TEST_F(HandshakeDaemonTest, DropsAClientThatDoesNotCloseAfterItsReply) {
    startEngineLike({.max_connections = 1, .linger_timeout = milliseconds(20)});
    RawClient client(port_);
    client.send(wireFrame("\x03{}"));
    EXPECT_NE(client.readToEnd(), "");
    while (replyTo(port_, wireFrame("\x03{}")).empty()) {
        std::this_thread::sleep_for(milliseconds(5));
    }
}

TEST_F(HandshakeDaemonTest, ClosesFurtherClientsAtOnceWhenFull) {
    startEngineLike({.max_connections = 2, .idle_timeout = std::chrono::hours(1)});
    auto first = std::make_unique<RawClient>(port_);
    RawClient second(port_);
    EXPECT_EQ(replyTo(port_, ""), "");
    EXPECT_EQ(replyTo(port_, ""), "");
    EXPECT_TRUE(second.isWaiting());
    first.reset();
    std::string reply;
    while ((reply = replyTo(port_, wireFrame("\x03{}"))).empty()) {
        std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_THAT(reply, testing::HasSubstr("success"));
}

TEST_F(HandshakeDaemonTest, StopsWithClientsOfEveryKind) {
    startEngineLike({.idle_timeout = std::chrono::hours(1), .linger_timeout = std::chrono::hours(1)});
    RawClient idle(port_);
    RawClient slow(port_);
    slow.send(wireFrame("\x03{}").substr(0, 10));
    RawClient lingering(port_);
    lingering.send(wireFrame("\x03{}"));
    EXPECT_NE(lingering.readToEnd(), "");
    daemon_->stop();
    EXPECT_EQ(idle.readToEnd(), "");
    EXPECT_EQ(slow.readToEnd(), "");
    EXPECT_FALSE(RawClient(port_).connected());
    daemon_->stop();
    daemon_->setHandler(MessageType::Probe, {});
    daemon_.reset();
}

TEST_F(HandshakeDaemonTest, ServesSeveralListeners) {
    std::vector<FileDescriptor> listeners;
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 2; ++i) {
        listeners.push_back(io::listenOn(loopback(), 16).value());
        ports.push_back(io::localAddress(listeners.back()).port());
    }
    const auto daemon = HandshakeDaemon::start(std::move(listeners)).value();
    for (const auto port : ports) {
        EXPECT_EQ(replyTo(port, wireFrame("\x03{}")), wireFrame("\x03null\n"));
    }
}

TEST(HandshakeDaemon, RefusesWhatIsNoSocket) {
    std::vector<FileDescriptor> listeners;
    listeners.emplace_back();
    EXPECT_FALSE(HandshakeDaemon::start(std::move(listeners)));
}

}  // namespace
}  // namespace mc::metadata
