#include <gtest/gtest.h>

#include <chrono>

#include "transport/tcp/raw_socket.h"
#include "transport/tcp/server.h"

namespace mc::tcp {
namespace {

using std::chrono::milliseconds;
using test::Bytes;
using test::RawSocket;

constexpr std::uint8_t kAcknowledgedRead = 0x80;
constexpr std::uint8_t kAcknowledgedWrite = 0x81;
constexpr milliseconds kSoon{100};

/// Peers that stop. Each test ends when the server closes; RawSocket gives up after ten seconds.
class TcpServerStall : public ::testing::Test {
  protected:
    void start(TcpOptions options) {
        options.threads = 1;  // Several clients write the same bytes.
        ASSERT_TRUE(regions_.add({address(), memory_.size(), "*", true}));
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 64);
        ASSERT_TRUE(listener);
        auto server = Server::start(std::move(*listener), regions_, options);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }
    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }
    RawSocket connect() const { return RawSocket::connect(server_->port()); }
    void expectServed(RawSocket& socket) const {
        socket.send({.size = 16, .addr = address(), .opcode = kAcknowledgedRead});
        EXPECT_EQ(socket.receiveStatus(), kStatusOk);
        EXPECT_EQ(socket.receive(16).size(), 16U);
    }
    // Until the server has closed its last connection.
    void expectNoConnections() const {
        while (server_->counters().connections_served > 0) {
            std::this_thread::sleep_for(milliseconds(1));
        }
    }

    Bytes memory_ = Bytes(32 << 20, std::byte{9});
    RegionRegistry regions_;
    std::unique_ptr<Server> server_;
};

// What came before a time-out of the socket (an error) is told from the end of the stream.
bool closedByPeer(RawSocket& socket) {
    std::byte byte{};
    for (;;) {
        const ssize_t got = ::recv(socket.descriptor().get(), &byte, 1, 0);
        if (got == 0) return true;
        if (got < 0) return errno == ECONNRESET;
    }
}

TEST_F(TcpServerStall, InTheMiddleOfAHeaderEndsTheConnection) {
    start({.stall_timeout = kSoon});
    RawSocket socket = connect();
    expectServed(socket);
    socket.send("0123456789", 10);
    EXPECT_TRUE(closedByPeer(socket));
}

TEST_F(TcpServerStall, InTheMiddleOfAPayloadEndsTheConnection) {
    start({.stall_timeout = kSoon});
    for (const std::size_t part : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, std::size_t{700'000}}) {
        RawSocket socket = connect();
        const Bytes payload(part);
        socket.send({.size = 1 << 20, .addr = address(), .opcode = kAcknowledgedWrite});
        socket.send(payload.data(), payload.size());
        EXPECT_TRUE(closedByPeer(socket)) << part;
    }
}

TEST_F(TcpServerStall, APeerThatNeverReadsItsAnswerIsClosed) {
    start({.stall_timeout = kSoon});
    RawSocket socket = connect();
    for (int i = 0; i < 4; ++i) {
        socket.send({.size = memory_.size(), .addr = address(), .opcode = kAcknowledgedRead});
    }
    expectNoConnections();
    RawSocket other = connect();
    expectServed(other);
}

TEST_F(TcpServerStall, APeerThatAsksForMuchAndNeverReadsIsClosed) {
    start({.stall_timeout = kSoon});
    RawSocket socket = connect();
    const std::vector<RequestHeader> headers(
        4000, {.size = memory_.size(), .addr = address(), .opcode = kAcknowledgedRead, .padding = {}});
    (void)::send(socket.descriptor().get(), headers.data(), headers.size() * sizeof(RequestHeader),
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    expectNoConnections();
}

TEST_F(TcpServerStall, BetweenTwoRequestsAPeerMayWait) {
    start({.stall_timeout = milliseconds(20)});
    RawSocket idle = connect();
    expectServed(idle);
    RawSocket stalled = connect();
    stalled.send("abc", 3);
    EXPECT_TRUE(closedByPeer(stalled));  // A sweep or more has passed,
    RawSocket again = connect();
    again.send("abc", 3);
    EXPECT_TRUE(closedByPeer(again));  // and another.
    expectServed(idle);
}

TEST_F(TcpServerStall, ASlowPeerIsNotAStalledOne) {
    start({.stall_timeout = milliseconds(1500)});
    RawSocket socket = connect();
    const Bytes payload(600'000, std::byte{0x42});
    socket.send({.size = payload.size(), .addr = address(), .opcode = kAcknowledgedWrite});
    constexpr std::size_t kPiece = 30'000;
    for (std::size_t sent = 0; sent < payload.size(); sent += kPiece) {
        socket.send(payload.data() + sent, kPiece);
        std::this_thread::sleep_for(milliseconds(120));
    }
    EXPECT_EQ(socket.receiveStatus(), kStatusOk);
    EXPECT_TRUE(std::equal(payload.begin(), payload.end(), memory_.begin()));
}

TEST_F(TcpServerStall, AnIdlePeerIsClosedOnlyWhereThatWasAskedFor) {
    start({.stall_timeout = milliseconds(0), .idle_timeout = milliseconds(1500)});
    RawSocket idle = connect();
    RawSocket stalled = connect();
    stalled.send("abc", 3);
    expectServed(idle);
    EXPECT_TRUE(closedByPeer(idle));
    const std::byte rest[21] = {};
    stalled.send(rest, sizeof(rest));  // "abc" is an address and a length that nobody registered.
    EXPECT_TRUE(closedByPeer(stalled));
}

TEST_F(TcpServerStall, AStalledPeerDoesNotKeepTheServerFromStopping) {
    start({.stall_timeout = std::chrono::hours(1)});
    RawSocket header = connect();
    header.send("abc", 3);
    RawSocket payload = connect();
    payload.send({.size = 1 << 20, .addr = address(), .opcode = kAcknowledgedWrite});
    while (server_->counters().connections_served < 2) {
        std::this_thread::yield();
    }
    server_.reset();
    EXPECT_TRUE(closedByPeer(header));
    EXPECT_TRUE(closedByPeer(payload));
}

}  // namespace
}  // namespace mc::tcp
