#include <dirent.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

#include "shortage.h"
#include "transport/tcp/raw_socket.h"
#include "transport/tcp/server.h"

namespace mc::tcp {
namespace {

using test::Bytes;
using test::RawSocket;

constexpr std::uint8_t kRead = 0x00;

class TcpServerShortage : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(regions_.add({address(), memory_.size(), "*", true}));
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 1024);
        ASSERT_TRUE(listener);
        auto server = Server::start(std::move(*listener), regions_, {});
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }
    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }
    void expectServed(RawSocket& socket) const {
        socket.send({.size = 16, .addr = address(), .opcode = kRead});
        EXPECT_EQ(socket.receive(16).size(), 16U);
    }

    Bytes memory_ = Bytes(4096, std::byte{9});
    RegionRegistry regions_;
    std::unique_ptr<Server> server_;
};

std::size_t openDescriptors() {
    DIR* const directory = ::opendir("/proc/self/fd");
    std::size_t count = 0;
    while (::readdir(directory) != nullptr) {
        ++count;
    }
    ::closedir(directory);
    return count;
}

TEST_F(TcpServerShortage, OfDescriptorsIsWaitedOutWhileOthersAreServed) {
    RawSocket early = RawSocket::connect(server_->port());
    expectServed(early);
    const FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto target = io::resolve("127.0.0.1", server_->port())->front();
    {
        const mc::test::DescriptorShortage shortage;
        ASSERT_EQ(::connect(late.get(), target.get(), target.length()), 0);  // It waits in the listener's queue.
        const auto before = std::clock();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10) << "processor time, not wall time";
        expectServed(early);
        EXPECT_EQ(server_->counters().connections_served, 1U);
    }
    RawSocket admitted(FileDescriptor(::dup(late.get())));
    expectServed(admitted);
    EXPECT_EQ(server_->counters().connections_served, 2U);
}

TEST_F(TcpServerShortage, TenThousandConnectionsOpenedAndDroppedLeaveNothing) {
    RawSocket first = RawSocket::connect(server_->port());
    expectServed(first);
    const std::size_t before = openDescriptors();
    const linger reset{.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 10'000; ++i) {
        RawSocket socket = RawSocket::connect(server_->port());
        // One in three asks, one in three stops in the middle of a header; resets leave no port behind in TIME_WAIT.
        if (i % 3 == 0) expectServed(socket);
        if (i % 3 == 1) socket.send("abc", 3);
        ::setsockopt(socket.descriptor().get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    while (server_->counters().connections_served > 1) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(openDescriptors(), before);
    expectServed(first);
}

}  // namespace
}  // namespace mc::tcp
