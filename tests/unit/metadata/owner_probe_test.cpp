#include "metadata/owner_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <numeric>
#include <thread>

#include "metadata/daemon_fixture.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr HandshakeCallOptions kSoon{.connect_timeout = milliseconds(200), .reply_timeout = milliseconds(200)};

class ProbeOwner : public DaemonFixture {
  protected:
    static RpcMeta at(std::uint16_t port) { return {"127.0.0.1", port}; }
    static std::uint16_t closedPort() {
        const FileDescriptor gone = io::listenOn(loopback(), 1).value();
        return io::localAddress(gone).port();
    }
};

TEST_F(ProbeOwner, WhoAnswersLives) {
    start();
    const auto probe = askOwner(at(port_), {});
    EXPECT_EQ(probe.state, OwnerState::Alive);
    EXPECT_EQ(probe.detail, "");
}

TEST_F(ProbeOwner, WhereNobodyListensItIsRefused) {
    const auto probe = askOwner(at(closedPort()), {});
    EXPECT_EQ(probe.state, OwnerState::Refused);
    EXPECT_THAT(probe.detail, HasSubstr("Connection refused"));
}

TEST_F(ProbeOwner, WhoSaysNothingIsSilent) {
    const FileDescriptor silent = io::listenOn(loopback(), 1).value();
    const auto probe = askOwner(at(io::localAddress(silent).port()), kSoon);
    EXPECT_EQ(probe.state, OwnerState::Silent);
    EXPECT_THAT(probe.detail, HasSubstr("no reply within"));
}

TEST_F(ProbeOwner, WhatCantBeReachedIsUnknown) {
    EXPECT_EQ(askOwner({"nosuch.invalid", 1}, kSoon).state, OwnerState::Unknown);
    // The kernel refuses to route there, on any machine.
    const auto unroutable = askOwner({"255.255.255.255", 1}, kSoon);
    EXPECT_EQ(unroutable.state, OwnerState::Unknown);
    EXPECT_NE(unroutable.detail, "");
}

TEST_F(ProbeOwner, AllAddressesHaveToBeDead) {
    start();
    auto closed = loopback();
    closed.setPort(closedPort());
    auto live = loopback();
    live.setPort(port_);
    const FileDescriptor listener = io::listenOn(loopback(), 1).value();
    const auto silent = io::localAddress(listener);
    EXPECT_EQ(probeOwner({closed, live}, {})->state, OwnerState::Alive);
    EXPECT_EQ(probeOwner({closed, closed}, kSoon)->state, OwnerState::Refused);
    EXPECT_EQ(probeOwner({closed, silent}, kSoon)->state, OwnerState::Silent);
    EXPECT_EQ(probeOwner({silent, closed}, kSoon)->state, OwnerState::Silent);
    EXPECT_FALSE(probeOwner({}, kSoon));
}

TEST(ManyAtOnce, CallsEachOnceAndStopsWhenTold) {
    std::vector<std::atomic<int>> calls(1000);
    manyAtOnce(calls.size(), [&](std::size_t i) { ++calls[i]; }, {});
    for (const auto& each : calls)
        EXPECT_EQ(each, 1);
    std::stop_source stop;
    stop.request_stop();
    manyAtOnce(calls.size(), [&](std::size_t i) { ++calls[i]; }, stop.get_token());
    EXPECT_EQ(std::accumulate(calls.begin(), calls.end(), 0), 1000);
    manyAtOnce(0, [](std::size_t) { ADD_FAILURE(); }, {});
}

TEST(ManyAtOnce, RunsTwoHundredAndFiftySixSideBySide) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1024);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    // Nobody gets beyond before all have come.
    std::latch all(256);
    std::atomic<int> passed = 0;
    const auto meet = [&](std::size_t) {
        all.arrive_and_wait();
        ++passed;
    };
    manyAtOnce(256, meet, {});
    EXPECT_EQ(passed, 256);
}

TEST(ManyAtOnce, LeavesDescriptorsToOthers) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit few{100, limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    std::atomic<int> failed = 0;
    const auto openOne = [&](std::size_t) {
        const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket) ++failed;
        std::this_thread::sleep_for(milliseconds(1));  // So that many are open.
    };
    manyAtOnce(2000, openOne, {});
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace mc::metadata
