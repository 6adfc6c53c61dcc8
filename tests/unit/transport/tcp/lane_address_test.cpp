#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "black_hole.h"
#include "transport/client_loop.h"
#include "transport/tcp/lane.h"
#include "transport/tcp/server.h"

namespace mc::tcp {
namespace {

using std::chrono::milliseconds;
using test::BlackHole;

/// A peer at several addresses, as a host's name may have them.
class LaneAddresses : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(regions_.add({address(), memory_.size(), "*", true}));
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 64);
        ASSERT_TRUE(listener);
        served_at_ = io::localAddress(*listener);
        auto server = Server::start(std::move(*listener), regions_, {});
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        options_.connect_timeout = milliseconds(500);
        auto loop = ClientLoop::start("tcp", 0);
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
    }
    void TearDown() override {
        loop_->shutDown();
        peers_.clear();
    }

    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(memory_.data()); }

    TcpPeer& peerAt(std::vector<io::SocketAddress> addresses, bool probes = true) {
        Target target{.addresses = std::move(addresses), .version = 2, .probe_address = probes ? address() : 0};
        return *peers_.emplace_back(std::make_unique<TcpPeer>(std::move(target), 1, options_));
    }

    std::vector<TaskStatus> read(TcpPeer& peer, std::size_t length = 64, milliseconds limit = milliseconds(0),
                                 std::uint8_t retries = 0) {
        constexpr std::size_t kRequests = 20;
        std::array<Slice, kRequests> slices;
        std::array<Task, kRequests> tasks;
        completion_.start(kRequests);
        for (std::size_t i = 0; i < kRequests; ++i) {
            tasks[i].status = TaskStatus::WAITING;
            tasks[i].slices_left = 1;
            tasks[i].batch = &completion_;
            slices[i].local = read_.data() + i * 64;
            slices[i].remote = address() + i * 64;
            slices[i].length = length;
            slices[i].peer = &peer;
            slices[i].retries_left = retries;
            slices[i].task = &tasks[i];
            if (limit.count() > 0) slices[i].deadline = SteadyClock::now() + limit;
        }
        loop_->submit(slices);
        loop_->await(completion_, SteadyClock::now() + std::chrono::seconds(30));
        EXPECT_TRUE(completion_.done());
        if (!completion_.done()) loop_->shutDown();  // The slices go with this frame.
        std::vector<TaskStatus> statuses;
        for (const Task& task : tasks) {
            statuses.push_back(task.status);
        }
        return statuses;
    }
    const std::vector<TaskStatus> completed_ = std::vector<TaskStatus>(20, TaskStatus::COMPLETED);
    const std::vector<TaskStatus> timed_out_ = std::vector<TaskStatus>(20, TaskStatus::TIMEOUT);

    std::vector<std::byte> memory_ = std::vector<std::byte>(4096, std::byte{3});
    std::vector<std::byte> read_ = std::vector<std::byte>(4096);
    RegionRegistry regions_;
    std::unique_ptr<Server> server_;
    io::SocketAddress served_at_;
    TcpOptions options_;
    Completion completion_;
    std::unique_ptr<ClientLoop> loop_;
    std::vector<std::unique_ptr<TcpPeer>> peers_;
};

TEST_F(LaneAddresses, FromWhichNothingComesAreFollowedByTheNext) {
    const BlackHole first;
    const BlackHole second;
    TcpPeer& peer = peerAt({first.address(), second.address(), served_at_});
    EXPECT_EQ(read(peer), completed_);  // Without a retry: no request was sent anywhere else.
    EXPECT_EQ(memory_[0], read_[0]);
}

TEST_F(LaneAddresses, ThatWorkedAreUsedAgainAfterALoss) {
    const BlackHole silent;
    options_.connect_timeout = milliseconds(4000);
    TcpPeer& peer = peerAt({silent.address(), served_at_});
    ASSERT_EQ(read(peer), completed_);
    server_.reset();  // Its end is seen before the next requests, or by them.
    auto listener = io::listenOn(served_at_, 64);
    ASSERT_TRUE(listener) << listener.error().message;
    auto server = Server::start(std::move(*listener), regions_, {});
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    // Less than the connect time-out, so that there is no time to ask the silent one first.
    EXPECT_EQ(read(peer, 64, milliseconds(3500), 3), completed_);
}

TEST_F(LaneAddresses, OfAPeerThatIsLostAreToldUntilItIsBack) {
    TcpPeer& peer = peerAt({served_at_});
    server_.reset();
    EXPECT_EQ(read(peer), std::vector<TaskStatus>(20, TaskStatus::FAILED));
    const auto problem = peer.target.shown().problem;
    ASSERT_TRUE(problem);
    EXPECT_NE(problem->message.find(served_at_.toString() + ": Connection refused"), std::string::npos)
        << problem->message;
    auto listener = io::listenOn(served_at_, 64);
    ASSERT_TRUE(listener) << listener.error().message;
    auto server = Server::start(std::move(*listener), regions_, {});
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    EXPECT_EQ(read(peer), completed_);
    EXPECT_FALSE(peer.target.shown().problem);
}

TEST_F(LaneAddresses, AllSilentEndAsTimeout) {
    const BlackHole first;
    const BlackHole second;
    TcpPeer& peer = peerAt({first.address(), second.address()});
    EXPECT_EQ(read(peer), timed_out_);
    EXPECT_EQ(read(peer), timed_out_);  // Again, both are tried anew.
}

TEST_F(LaneAddresses, AreNotTriedBeyondARequestsOwnTime) {
    const BlackHole first;
    const BlackHole second;
    TcpPeer& peer = peerAt({first.address(), second.address(), served_at_});
    EXPECT_EQ(read(peer, 64, milliseconds(700)), timed_out_);
    EXPECT_EQ(read(peer), completed_);
}

TEST_F(LaneAddresses, OneSilentAddressAloneEndsAsTimeout) {
    const BlackHole only;
    TcpPeer& peer = peerAt({only.address()});
    EXPECT_EQ(read(peer), timed_out_);
}

TEST_F(LaneAddresses, OfAPeerThatCannotBeProbedAreLeftAfterOneSilence) {
    const BlackHole first;
    TcpPeer& peer = peerAt({first.address(), served_at_}, false);
    const auto statuses = read(peer, 4);  // Too short to be probed with.
    // One connection for each request; those that were on their way to the silent address are lost.
    EXPECT_EQ(statuses.back(), TaskStatus::COMPLETED);
    EXPECT_EQ(read(peer, 4), completed_);
}

}  // namespace
}  // namespace mc::tcp
