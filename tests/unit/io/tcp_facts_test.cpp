#include "io/tcp_facts.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "io/socket.h"

namespace mc::io {
namespace {

class TcpFactsTest : public testing::Test {
  protected:
    void SetUp() override {
        listener_ = std::move(*listenOn(resolve("127.0.0.1", 0)->front(), 1));
        here_ = std::move(*connectTo({localAddress(listener_)}, std::chrono::seconds(20)));
        pollfd waiting{listener_.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&waiting, 1, -1), 1);
        there_ = std::move(*acceptFrom(listener_));
        ASSERT_TRUE(there_);
    }
    // As much as both kernels take, at once.
    std::uint64_t fill() {
        const std::vector<char> block(1 << 16, 'x');
        std::uint64_t sent = 0;
        for (;;) {
            const ssize_t moved = ::send(here_.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (moved < 0) {
                EXPECT_EQ(errno, EAGAIN);
                return sent;
            }
            sent += static_cast<std::uint64_t>(moved);
        }
    }
    TcpFacts facts() const {
        const auto known = tcpFacts(here_);
        EXPECT_TRUE(known) << known.error().message;
        return known.value_or(TcpFacts{});
    }

    FileDescriptor listener_, here_, there_;
};

TEST_F(TcpFactsTest, OfAConnectionThatIsIdle) {
    EXPECT_GT(facts().round_trip.count(), 0) << "measured by the handshake";
    EXPECT_EQ(facts().unacknowledged_bytes, 0U);
    EXPECT_EQ(facts().unsent_bytes, 0U);
}

TEST_F(TcpFactsTest, OfAPeerThatDoesNotReadUntilItDoes) {
    const std::uint64_t sent = fill();
    const TcpFacts full = facts();
    EXPECT_GT(full.unsent_bytes, 0U) << "the peer's window is full";
    EXPECT_LE(full.unsent_bytes, full.unacknowledged_bytes);
    EXPECT_LE(full.unacknowledged_bytes, sent);
    std::vector<char> sink(1 << 16);
    for (std::uint64_t received = 0; received < sent;) {
        pollfd waiting{there_.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&waiting, 1, -1), 1);
        const ssize_t got = ::recv(there_.get(), sink.data(), sink.size(), 0);
        ASSERT_GT(got, 0);
        received += static_cast<std::uint64_t>(got);
    }
    while (facts().unacknowledged_bytes > 0) {
    }
    EXPECT_EQ(facts().unsent_bytes, 0U);
}

TEST_F(TcpFactsTest, OfWhatIsNoTcpConnection) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    const FileDescriptor one(ends[0]);
    const FileDescriptor other(ends[1]);
    EXPECT_FALSE(tcpFacts(one));
    EXPECT_FALSE(tcpFacts(FileDescriptor()));
    EXPECT_FALSE(tcpFacts(listener_)) << "it has sent nothing and never will";
}

}  // namespace
}  // namespace mc::io
