#include "metadata/handshake_client.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <thread>

#include "metadata/daemon_fixture.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// A peer that reads a request, or not, writes the bytes that it was given, and closes, or not.
class ScriptedPeer {
  public:
    enum class Then { Close, Stay };

    ScriptedPeer(std::size_t request_size, const std::string& reply, Then then = Then::Close)
        : listener_(io::listenOn(loopback(), 4).value()), port_(io::localAddress(listener_).port()) {
        thread_ = std::jthread([this, request_size, reply, then](const std::stop_token& stop) {
            pollfd waiting{listener_.get(), POLLIN, 0};
            ::poll(&waiting, 1, -1);
            const FileDescriptor socket(::accept(listener_.get(), nullptr, nullptr));
            if (!socket) return;
            request_.resize(request_size);
            if (request_size > 0) ::recv(socket.get(), request_.data(), request_size, MSG_WAITALL);
            ::send(socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
            while (then == Then::Stay && !stop.stop_requested()) {
                std::this_thread::sleep_for(milliseconds(1));
            }
        });
    }

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// What the peer read; ends its thread.
    const std::string& request() {
        thread_.request_stop();
        thread_.join();
        return request_;
    }

  private:
    FileDescriptor listener_;
    std::uint16_t port_;
    std::string request_;
    std::jthread thread_;
};

constexpr std::size_t kProbeSize = 12;  // 8 + 1 + "{}\n"

Result<std::string> probe(const ScriptedPeer& peer, const HandshakeCallOptions& options = {}) {
    return callHandshake("127.0.0.1", peer.port(), MessageType::Probe, "{}", options);
}

void expectProtocolError(std::size_t request_size, const std::string& reply, const std::string& problem) {
    const ScriptedPeer peer(request_size, reply);
    const auto result = probe(peer);
    ASSERT_FALSE(result) << problem;
    EXPECT_EQ(result.error().code, ErrorCode::Protocol);
    EXPECT_THAT(result.error().message, HasSubstr(peer.address()));
    EXPECT_THAT(result.error().message, HasSubstr(problem));
}

TEST(CallHandshake, SendsAndReturnsTheWire) {
    ScriptedPeer peer(kProbeSize, wireFrame("\x03{\"status\":\"success\"}\n"));
    EXPECT_EQ(probe(peer).value(), "{\"status\":\"success\"}\n");
    EXPECT_EQ(peer.request(), std::string("\x04\0\0\0\0\0\0\0\x03{}\n", kProbeSize));
}

TEST(CallHandshake, ReturnsTheNullOfAPeerWithoutHandler) {
    EXPECT_EQ(probe(ScriptedPeer(kProbeSize, wireFrame("\x03null\n"))).value(), "null\n");
}

TEST(CallHandshake, NeedsNoCloseAfterTheReply) {
    EXPECT_TRUE(probe(ScriptedPeer(kProbeSize, wireFrame("\x03{}"), ScriptedPeer::Then::Stay)));
}

TEST(CallHandshake, TimesOutOnAPeerThatNeverAnswers) {
    const ScriptedPeer peer(kProbeSize, "", ScriptedPeer::Then::Stay);
    const auto result = probe(peer, {.reply_timeout = milliseconds(50)});
    EXPECT_EQ(result.error().code, ErrorCode::TimedOut);
    EXPECT_EQ(result.error().message, "handshake with " + peer.address() + ": no reply within 50ms");
}

TEST(CallHandshake, TimesOutOnAPeerThatStopsInTheMiddle) {
    const ScriptedPeer peer(kProbeSize, wireFrame("\x03{}").substr(0, 10), ScriptedPeer::Then::Stay);
    EXPECT_EQ(probe(peer, {.reply_timeout = milliseconds(50)}).error().code, ErrorCode::TimedOut);
}

TEST(CallHandshake, TimesOutOnAPeerThatNeverReads) {
    const ScriptedPeer peer(0, "", ScriptedPeer::Then::Stay);
    const std::string large = '"' + std::string(64 << 20, 'x') + '"';
    const auto result =
        callHandshake("127.0.0.1", peer.port(), MessageType::Metadata, large, {.reply_timeout = milliseconds(100)});
    EXPECT_EQ(result.error().code, ErrorCode::TimedOut);
}

TEST(CallHandshake, RefusesAReplyThatBreaksTheProtocol) {
    expectProtocolError(kProbeSize, "", "closed without a reply");
    expectProtocolError(kProbeSize, wireFrame("\x03{}").substr(0, 4), "closed in the middle of its reply");
    expectProtocolError(kProbeSize, wireFrame("\x03{}").substr(0, 10), "closed in the middle of its reply");
    expectProtocolError(kProbeSize, wireFrame("\x02{}"), "a reply of type 2 to a request of type 3");
    expectProtocolError(kProbeSize, wireFrame("{}"), "a reply without type");
    expectProtocolError(kProbeSize, wireFrame("\x03{"), "the reply is no JSON");
    expectProtocolError(kProbeSize, wireFrame("\x03"), "the reply is no JSON");
    expectProtocolError(kProbeSize, wireFrame("\x90{}"), "unknown type 144");
    expectProtocolError(kProbeSize, "HTTP/1.1 400 Bad Request\r\n\r\n", "above the limit of 1048576");
    expectProtocolError(kProbeSize, wireLength(0), "length 0");
    expectProtocolError(kProbeSize, wireLength(~0ULL), "above the limit of 1048576");
}

TEST(CallHandshake, ReadsRepliesUpToItsLimit) {
    const std::string reply = wireFrame("\x03{}" + std::string(97, ' '));
    EXPECT_TRUE(probe(ScriptedPeer(kProbeSize, reply), {.max_message_length = 100}));
    EXPECT_EQ(probe(ScriptedPeer(kProbeSize, reply), {.max_message_length = 99}).error().code, ErrorCode::Protocol);
}

TEST(CallHandshake, NamesAPeerThatIsNotThere) {
    const auto port = io::localAddress(io::listenOn(loopback(), 1).value()).port();  // Closed again.
    const auto refused = callHandshake("127.0.0.1", port, MessageType::Probe, "{}");
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(refused.error().message,
              "handshake: connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
    EXPECT_EQ(callHandshake(std::vector<io::SocketAddress>{}, MessageType::Probe, "{}").error().code,
              ErrorCode::Unavailable);
    const auto unresolved = callHandshake("no such host", 7, MessageType::Probe, "{}");
    EXPECT_EQ(unresolved.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(unresolved.error().message, testing::StartsWith("handshake: resolve no such host: "));
}

TEST(CallHandshake, TriesAllAddresses) {
    const auto closed = io::localAddress(io::listenOn(loopback(), 1).value()).port();
    const ScriptedPeer peer(kProbeSize, wireFrame("\x03{}"));
    EXPECT_TRUE(callHandshake({loopback(closed), loopback(peer.port())}, MessageType::Probe, "{}"));
}

using CallHandshakeToDaemon = DaemonFixture;

TEST_F(CallHandshakeToDaemon, CarriesEveryType) {
    start();
    for (const auto type : {MessageType::Connection, MessageType::Metadata, MessageType::Notify, MessageType::Probe}) {
        daemon_->setHandler(type, [](std::string_view json) { return "[" + std::string(json) + "]"; });
        EXPECT_EQ(callHandshake("127.0.0.1", port_, type, "{}").value(), "[{}\n]\n");
    }
}

TEST(CallHandshake, ReachesADaemonOverIpv6) {
    auto address = io::resolve("::1", 0);
    if (!address) GTEST_SKIP() << "no IPv6 here";
    auto listener = io::listenOn(address->front(), 4);
    if (!listener) GTEST_SKIP() << listener.error().message;
    const auto port = io::localAddress(*listener).port();
    std::vector<FileDescriptor> listeners;
    listeners.push_back(std::move(*listener));
    const auto daemon = HandshakeDaemon::start(std::move(listeners)).value();
    EXPECT_EQ(callHandshake("::1", port, MessageType::Probe, "{}").value(), "null\n");
}

}  // namespace
}  // namespace mc::metadata
