#include "transport/tcp/server.h"

#include <gtest/gtest.h>

#include <limits>

#include "transport/tcp/raw_socket.h"

namespace mc::tcp {
namespace {

using test::Bytes;
using test::RawSocket;

constexpr std::uint8_t kRead = 0x00;
constexpr std::uint8_t kWrite = 0x01;
constexpr std::uint8_t kAcknowledgedRead = 0x80;
constexpr std::uint8_t kAcknowledgedWrite = 0x81;

class TcpServer : public ::testing::Test {
  protected:
    explicit TcpServer(int threads = 4) { options_.threads = threads; }
    void SetUp() override {
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            memory_[i] = static_cast<std::byte>(i * 7);
        }
        ASSERT_TRUE(regions_.add({address(), memory_.size(), "*", true}));
        ASSERT_TRUE(regions_.add({twins(), kTwin, "*", true}));
        ASSERT_TRUE(regions_.add({twins(kTwin), kTwin, "*", true}));
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 64);
        ASSERT_TRUE(listener);
        auto server = Server::start(std::move(*listener), regions_, options_);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }
    std::uint64_t address(std::size_t offset = 0) const {
        return reinterpret_cast<std::uint64_t>(memory_.data() + offset);
    }
    std::uint64_t twins(std::size_t offset = 0) const {
        return reinterpret_cast<std::uint64_t>(twins_.data() + offset);
    }
    Bytes slice(std::size_t offset, std::size_t length) const {
        return {memory_.begin() + static_cast<std::ptrdiff_t>(offset),
                memory_.begin() + static_cast<std::ptrdiff_t>(offset + length)};
    }
    RawSocket connect() const { return RawSocket::connect(server_->port()); }
    void stillServes() {
        RawSocket socket = connect();
        socket.send({.size = 16, .addr = address(), .opcode = kRead});
        EXPECT_EQ(socket.receive(16), slice(0, 16));
    }

    static constexpr std::size_t kTwin = 4096;

    Bytes memory_ = Bytes(1 << 20);
    Bytes twins_ = Bytes(2 * kTwin, std::byte{0x22});  // Two regions, the second directly behind the first.
    TcpOptions options_;
    RegionRegistry regions_;
    std::unique_ptr<Server> server_;
};

// Serves its connections one request after the other, so that one client may look at what another one is writing.
class TcpServerOfOneThread : public TcpServer {
  protected:
    TcpServerOfOneThread() : TcpServer(1) {}
    std::byte look(std::size_t offset) {
        RawSocket socket = connect();
        socket.send({.size = 1, .addr = address(offset), .opcode = kRead});
        const Bytes seen = socket.receive(1);
        return seen.empty() ? std::byte{0} : seen.front();
    }
};

TEST_F(TcpServer, ReadInVersion1IsBareDataAndTheConnectionStays) {
    RawSocket socket = connect();
    for (int i = 0; i < 3; ++i) {
        socket.send({.size = 100, .addr = address(5), .opcode = kRead});
        EXPECT_EQ(socket.receive(100), slice(5, 100));
    }
}

TEST_F(TcpServer, ReadInVersion2HasAStatusFrameInFront) {
    RawSocket socket = connect();
    socket.send({.size = 16, .addr = address(), .opcode = kAcknowledgedRead});
    const Bytes frame = socket.receive(8);
    const unsigned char expected[] = {0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4D};
    ASSERT_EQ(frame.size(), sizeof(expected));
    EXPECT_EQ(std::memcmp(frame.data(), expected, sizeof(expected)), 0);
    EXPECT_EQ(socket.receive(16), slice(0, 16));
}

TEST_F(TcpServer, WriteInVersion2IsAcknowledgedOnceItIsInMemory) {
    RawSocket socket = connect();
    const Bytes data(300'000, std::byte{0x5a});
    socket.send({.size = data.size(), .addr = address(1000), .opcode = kAcknowledgedWrite});
    socket.send(data.data(), data.size());
    ASSERT_EQ(socket.receiveStatus(), kStatusOk);
    EXPECT_EQ(slice(1000, data.size()), data);
    EXPECT_NE(memory_[999], std::byte{0x5a});
}

TEST_F(TcpServer, WriteInVersion1AnswersNothingAndAReadBehindItSeesIt) {
    RawSocket socket = connect();
    const Bytes data(16, std::byte{0xab});
    socket.send({.size = 16, .addr = address(64), .opcode = kWrite});
    socket.send(data.data(), data.size());
    socket.send({.size = 16, .addr = address(64), .opcode = kRead});
    EXPECT_EQ(socket.receive(16), data);
}

TEST_F(TcpServer, AnyOtherOpcodeIsARead) {
    RawSocket socket = connect();
    socket.send({.size = 8, .addr = address(8), .opcode = 7, .padding = {1, 2, 3, 4, 5, 6, 7}});
    EXPECT_EQ(socket.receive(8), slice(8, 8));
}

TEST_F(TcpServer, HeadersMayArriveByteByByte) {
    RawSocket socket = connect();
    const RequestHeader header{.size = 4, .addr = address(12), .opcode = kAcknowledgedRead};
    const auto* bytes = reinterpret_cast<const std::byte*>(&header);
    for (std::size_t i = 0; i < sizeof(header); ++i) {
        socket.send(bytes + i, 1);
    }
    EXPECT_EQ(socket.receiveStatus(), kStatusOk);
    EXPECT_EQ(socket.receive(4), slice(12, 4));
}

TEST_F(TcpServer, PipelinedRequestsAreAnsweredInOrderBeyondWhatItQueues) {
    RawSocket socket = connect();
    constexpr std::size_t kRequests = 3000;
    std::vector<RequestHeader> headers;
    for (std::size_t i = 0; i < kRequests; ++i) {
        headers.push_back({.size = 1 + i % 50, .addr = address(i), .opcode = kAcknowledgedRead});
    }
    socket.send(headers.data(), headers.size() * sizeof(RequestHeader));
    for (std::size_t i = 0; i < kRequests; ++i) {
        ASSERT_EQ(socket.receiveStatus(), kStatusOk) << i;
        ASSERT_EQ(socket.receive(1 + i % 50), slice(i, 1 + i % 50)) << i;
    }
}

TEST_F(TcpServer, AWriteBehindAReadOfTheSameBytesDoesNotChangeItsAnswer) {
    RawSocket socket = connect();
    const Bytes before = slice(0, memory_.size());
    const Bytes data(memory_.size(), std::byte{0x11});
    socket.send({.size = memory_.size(), .addr = address(), .opcode = kAcknowledgedRead});
    socket.send({.size = 4096, .addr = address(memory_.size() - 4096), .opcode = kAcknowledgedWrite});
    socket.send(data.data(), 4096);
    ASSERT_EQ(socket.receiveStatus(), kStatusOk);
    EXPECT_EQ(socket.receive(memory_.size()), before);
    EXPECT_EQ(socket.receiveStatus(), kStatusOk);
}

TEST_F(TcpServer, AddressesOutsideOneBufferAreRefused) {
    const std::uint64_t size = memory_.size();
    const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> wrong{{address() - 1, 8},
                                                                     {address(), size + 1},
                                                                     {address(size - 1), 2},
                                                                     {address(), 0},
                                                                     {address(8), huge},
                                                                     {address(8), huge - 7},
                                                                     {0, 8},
                                                                     {huge, 1},
                                                                     {address(), std::uint64_t{1} << 63},
                                                                     {twins(kTwin - 1), 2},  // Across two buffers.
                                                                     {twins(), 2 * kTwin},
                                                                     {twins(kTwin - 8), kTwin + 8},
                                                                     {twins(), kTwin + 1}};
    for (const auto& [addr, length] : wrong) {
        for (const auto opcode : {kAcknowledgedRead, kAcknowledgedWrite}) {
            RawSocket socket = connect();
            socket.send({.size = length, .addr = addr, .opcode = opcode});
            EXPECT_EQ(socket.receiveStatus(), kStatusRejected);
            EXPECT_TRUE(socket.atEnd());
        }
        for (const auto opcode : {kRead, kWrite}) {
            RawSocket socket = connect();
            socket.send({.size = length, .addr = addr, .opcode = opcode});
            EXPECT_TRUE(socket.atEnd());
        }
    }
    stillServes();
}

TEST_F(TcpServer, EachOfTwoBuffersThatTouchIsServedUpToItsEnds) {
    RawSocket socket = connect();
    const Bytes data(kTwin, std::byte{0x33});
    for (const std::size_t offset : {std::size_t{0}, kTwin}) {
        socket.send({.size = kTwin, .addr = twins(offset), .opcode = kAcknowledgedWrite});
        socket.send(data.data(), data.size());
        ASSERT_EQ(socket.receiveStatus(), kStatusOk);
    }
    EXPECT_EQ(twins_, Bytes(2 * kTwin, std::byte{0x33}));
    for (const std::size_t offset : {kTwin - 1, kTwin}) {
        socket.send({.size = 1, .addr = twins(offset), .opcode = kRead});
        EXPECT_EQ(socket.receive(1), Bytes(1, std::byte{0x33}));
    }
}

TEST_F(TcpServer, ARefusedWriteAcrossTwoBuffersTouchesNeither) {
    const Bytes data(16, std::byte{0x44});
    for (const auto opcode : {kWrite, kAcknowledgedWrite}) {
        RawSocket socket = connect();
        const RequestHeader header{.size = data.size(), .addr = twins(kTwin - 8), .opcode = opcode};
        Bytes bytes(sizeof(header) + data.size());
        std::memcpy(bytes.data(), &header, sizeof(header));
        std::ranges::copy(data, bytes.begin() + sizeof(header));
        socket.send(bytes.data(), bytes.size());
        if (opcode == kAcknowledgedWrite) {
            EXPECT_EQ(socket.receiveStatus(), kStatusRejected);
        }
        EXPECT_TRUE(socket.atEnd());
    }
    EXPECT_EQ(twins_, Bytes(2 * kTwin, std::byte{0x22}));
}

TEST_F(TcpServer, ARefusalIsNotLostToThePayloadBehindIt) {
    RawSocket socket = connect();
    const Bytes payload(1 << 20);
    socket.send({.size = payload.size(), .addr = 4096, .opcode = kAcknowledgedWrite});
    ASSERT_GT(::send(socket.descriptor().get(), payload.data(), payload.size(), MSG_NOSIGNAL), 0);
    EXPECT_EQ(socket.receiveStatus(), kStatusRejected);
    EXPECT_TRUE(socket.atEnd());
}

TEST_F(TcpServer, AnswersBeforeARefusalAreStillSent) {
    RawSocket socket = connect();
    const RequestHeader headers[] = {{.size = 5, .addr = address(1), .opcode = kAcknowledgedRead},
                                     {.size = 5, .addr = 1, .opcode = kAcknowledgedRead},
                                     {.size = 5, .addr = address(1), .opcode = kAcknowledgedRead}};
    socket.send(headers, sizeof(headers));
    EXPECT_EQ(socket.receiveStatus(), kStatusOk);
    EXPECT_EQ(socket.receive(5), slice(1, 5));
    EXPECT_EQ(socket.receiveStatus(), kStatusRejected);
    EXPECT_TRUE(socket.atEnd());
}

TEST_F(TcpServer, AClientThatStopsAskingStillGetsItsAnswers) {
    RawSocket socket = connect();
    const RequestHeader header{.size = memory_.size(), .addr = address(), .opcode = kAcknowledgedRead};
    for (int i = 0; i < 20; ++i) {
        socket.send(header);
    }
    ::shutdown(socket.descriptor().get(), SHUT_WR);
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(socket.receiveStatus(), kStatusOk) << i;
        ASSERT_EQ(socket.receive(memory_.size()), memory_) << i;
    }
    EXPECT_TRUE(socket.atEnd());
}

TEST_F(TcpServer, ClientsThatVanishInTheMiddleHarmNobody) {
    {
        RawSocket header = connect();
        header.send("abc", 3);
        RawSocket payload = connect();
        payload.send({.size = 1000, .addr = address(4096), .opcode = kAcknowledgedWrite});
        payload.send("abc", 3);
        RawSocket reader = connect();
        // Not the bytes that another client writes: servers don't put their clients' requests in order.
        reader.send({.size = memory_.size() - 8192, .addr = address(8192), .opcode = kRead});
    }
    stillServes();
}

TEST_F(TcpServerOfOneThread, RetiredMemoryIsNotWrittenAnyMore) {
    RawSocket socket = connect();
    const Bytes most(900, std::byte{0x77});
    socket.send({.size = 1000, .addr = address(), .opcode = kAcknowledgedWrite});
    socket.send(most.data(), most.size());
    while (look(400) != std::byte{0x77}) {
        ASSERT_FALSE(HasFailure());
    }
    const auto removed = regions_.remove(address());
    ASSERT_TRUE(removed);
    server_->retire(removed->addr, removed->length);
    EXPECT_TRUE(socket.atEnd());
    std::ranges::fill(memory_, std::byte{0});
    RawSocket late = connect();
    late.send({.size = 8, .addr = address(), .opcode = kAcknowledgedRead});
    EXPECT_EQ(late.receiveStatus(), kStatusRejected);
}

TEST_F(TcpServer, ConnectionsBeyondTheLimitAreClosedAndTheOthersServed) {
    auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 64);
    ASSERT_TRUE(listener);
    TcpOptions options;
    options.max_connections = 2;
    const auto limited = Server::start(std::move(*listener), regions_, options);
    ASSERT_TRUE(limited);
    RawSocket a = RawSocket::connect((*limited)->port());
    RawSocket b = RawSocket::connect((*limited)->port());
    RawSocket c = RawSocket::connect((*limited)->port());
    EXPECT_TRUE(c.atEnd());
    for (RawSocket* socket : {&a, &b}) {
        socket->send({.size = 4, .addr = address(), .opcode = kRead});
        EXPECT_EQ(socket->receive(4), slice(0, 4));
    }
}

}  // namespace
}  // namespace mc::tcp
