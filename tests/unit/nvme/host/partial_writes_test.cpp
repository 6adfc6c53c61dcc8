#include "nvme/host/partial_writes.h"

#include <gtest/gtest.h>

#include <thread>

#include "nvme/host/host_fixture.h"
#include "nvme/host/own_target.h"
#include "nvme/host/scripted_target.h"

namespace mc::nvme::host::test {
namespace {

using Outcome = HostRequest::Outcome;

class PartialWritesTest : public testing::Test {
  protected:
    std::shared_ptr<PartialWrites::Claim> claim(std::vector<PartialWrites::Block> blocks, int number) {
        return std::make_shared<PartialWrites::Claim>(*loop_, std::move(blocks),
                                                      [this, number] { granted_.push_back(number); });
    }
    std::vector<int> granted() {
        loop_->runOnce(SteadyClock::now());
        return std::exchange(granted_, {});
    }

    std::unique_ptr<io::EventLoop> loop_ = std::move(*io::EventLoop::open());
    std::vector<int> granted_;
    PartialWrites writes_;
};

TEST_F(PartialWritesTest, OneHasABlockAtATimeInTheOrderInWhichTheyCame) {
    const auto first = claim({{1, 0}}, 1);
    const auto second = claim({{1, 0}}, 2);
    const auto third = claim({{1, 0}}, 3);
    EXPECT_TRUE(writes_.take(first));
    EXPECT_FALSE(writes_.take(second));
    EXPECT_FALSE(writes_.take(third));
    EXPECT_EQ(granted(), std::vector<int>{});
    writes_.giveBack(*first);
    EXPECT_EQ(granted(), std::vector{2});
    writes_.giveBack(*second);
    EXPECT_EQ(granted(), std::vector{3});
    writes_.giveBack(*third);
    EXPECT_TRUE(writes_.take(claim({{1, 0}}, 4)));
}

TEST_F(PartialWritesTest, OtherBlocksAndOtherNamespacesAreNobodysConcern) {
    EXPECT_TRUE(writes_.take(claim({{1, 0}}, 1)));
    EXPECT_TRUE(writes_.take(claim({{1, 4096}}, 2)));
    EXPECT_TRUE(writes_.take(claim({{2, 0}}, 3)));
}

TEST_F(PartialWritesTest, TwoBlocksAreGrantedTogether) {
    const auto left = claim({{1, 0}}, 1);
    const auto right = claim({{1, 4096}}, 2);
    const auto both = claim({{1, 0}, {1, 4096}}, 3);
    const auto other_way = claim({{1, 4096}, {1, 0}}, 4);
    EXPECT_TRUE(writes_.take(left));
    EXPECT_TRUE(writes_.take(right));
    EXPECT_FALSE(writes_.take(both));
    EXPECT_FALSE(writes_.take(other_way));
    writes_.giveBack(*left);
    EXPECT_EQ(granted(), std::vector<int>{});
    writes_.giveBack(*right);
    EXPECT_EQ(granted(), std::vector{3});
    writes_.giveBack(*both);
    EXPECT_EQ(granted(), std::vector{4});
}

TEST_F(PartialWritesTest, WhoGoesWhileItWaitsHoldsNobodyUp) {
    const auto first = claim({{1, 0}}, 1);
    const auto second = claim({{1, 0}, {1, 4096}}, 2);
    const auto third = claim({{1, 0}}, 3);
    EXPECT_TRUE(writes_.take(first));
    EXPECT_FALSE(writes_.take(second));
    EXPECT_FALSE(writes_.take(third));
    writes_.giveBack(*second);
    EXPECT_TRUE(writes_.take(claim({{1, 4096}}, 4)));
    writes_.giveBack(*first);
    EXPECT_EQ(granted(), std::vector{3});
}

TEST_F(PartialWritesTest, WhoWentBeforeItCouldBeToldIsNotCalled) {
    const auto first = claim({{1, 0}}, 1);
    const auto second = claim({{1, 0}}, 2);
    EXPECT_TRUE(writes_.take(first));
    EXPECT_FALSE(writes_.take(second));
    writes_.giveBack(*first);
    second->granted = {};
    writes_.giveBack(*second);
    EXPECT_EQ(granted(), std::vector<int>{});
    EXPECT_TRUE(writes_.take(claim({{1, 0}}, 3)));
}

// Controllers of several threads write parts of the same blocks: none may undo what another did.
TEST(SharedPartialWrites, ControllersInSeveralThreadsLoseNothing) {
    constexpr std::size_t kControllers = 3;
    constexpr std::size_t kPiece = 700;
    constexpr std::size_t kPieces = 300;
    OwnTarget target;
    const auto device = target.add(1, 1 << 20);
    const auto shared = std::make_shared<SharedState>();
    Bytes written = patternBytes(kPiece * kPieces, 5);
    const auto write_every = [&](std::size_t first) {
        Host host;
        host.connect(target.port(), OwnTarget::kNqn, shared);
        ASSERT_TRUE(host.ready()) << host.last_error.message;
        std::vector<NotedRequest> requests;
        for (std::size_t i = first; i < kPieces; i += kControllers) {
            requests.emplace_back(HostRequest::Kind::Write, 1, i * kPiece,
                                  std::span(written).subspan(i * kPiece, kPiece));
        }
        ASSERT_TRUE(host.run(requests));
        EXPECT_TRUE(std::ranges::all_of(requests, [](const auto& r) { return r.outcome == Outcome::Completed; }));
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < kControllers; ++i) {
            threads.emplace_back([&write_every, i] { write_every(i); });
        }
    }
    EXPECT_EQ(std::memcmp(device->memory().data(), written.data(), written.size()), 0);
}

class TwoControllers : public testing::Test {
  protected:
    void SetUp() override {
        for (Host* const host : {&one_, &other_}) {
            host->connect(target_.port(), OwnTarget::kNqn, shared_);
            ASSERT_TRUE(host->ready()) << host->last_error.message;
        }
    }
    // One has the block, and its loop does not run.
    void submitBoth() {
        for (auto& [host, request] : {std::pair<Host*, NotedRequest*>{&one_, &first_}, {&other_, &second_}}) {
            host->controller().submit(*request);
            host->controller().flush();
        }
    }

    OwnTarget target_;
    std::shared_ptr<io::BlockDevice> device_ = target_.add(1, 1 << 20);
    std::shared_ptr<SharedState> shared_ = std::make_shared<SharedState>();
    Host one_;
    Host other_;
    Bytes data_ = patternBytes(300, 3);
    NotedRequest first_{HostRequest::Kind::Write, 1, 0, std::span(data_).first(100)};
    NotedRequest second_{HostRequest::Kind::Write, 1, 100, std::span(data_).subspan(100)};
};

TEST_F(TwoControllers, WholeBlocksAndOtherBlocksAreNotHeldUp) {
    submitBoth();
    Bytes block = patternBytes(8192, 7);
    EXPECT_EQ(other_.write(1, 4096, block), Outcome::Completed);
    EXPECT_EQ(other_.write(1, 16385, std::span(block).first(100)), Outcome::Completed);
    EXPECT_EQ(other_.read(1, 5, std::span(block).first(100)), Outcome::Completed);
    EXPECT_EQ(second_.ends, 0);
    ASSERT_TRUE(one_.runUntil([&] { return first_.ends > 0; }));
    ASSERT_TRUE(other_.runUntil([&] { return second_.ends > 0; }));
    EXPECT_EQ(std::memcmp(device_->memory().data(), data_.data(), data_.size()), 0);
}

TEST_F(TwoControllers, OneThatIsCanceledLetsTheOtherOneGoOn) {
    submitBoth();
    one_.controller().cancel();
    EXPECT_EQ(first_.outcome, Outcome::Canceled);
    ASSERT_TRUE(other_.runUntil([&] { return second_.ends > 0; }));
    EXPECT_EQ(second_.outcome, Outcome::Completed);
}

TEST_F(TwoControllers, WhatWaitsForABlockIsCanceledToo) {
    submitBoth();
    other_.controller().cancel();
    EXPECT_EQ(second_.outcome, Outcome::Canceled);
    ASSERT_TRUE(one_.runUntil([&] { return first_.ends > 0; }));
    EXPECT_EQ(first_.outcome, Outcome::Completed);
}

TEST_F(TwoControllers, WhatWaitsForABlockOutlivesItsConnection) {
    submitBoth();
    other_.controller().drop({ErrorCode::Unavailable, "dropped", {}});
    ASSERT_TRUE(one_.runUntil([&] { return first_.ends > 0; }));
    ASSERT_TRUE(other_.runUntil([&] { return second_.ends > 0; }));
    EXPECT_EQ(second_.outcome, Outcome::Completed);
    EXPECT_EQ(std::memcmp(device_->memory().data(), data_.data(), data_.size()), 0);
}

// A part of a write asks for its namespace, which has gone, when the connection is lost: it ends with it, and what is
// submitted meanwhile is not held up.
TEST(PartialWritesOverReconnects, APartThatAskedForItsNamespaceHoldsNobodyUp) {
    std::atomic<bool> has_gone = false;
    std::atomic<int> connections = 0;
    std::atomic<int> lists = 0;
    ScriptedTarget target(
        [&](PduSocket& socket) {
            const bool is_first = connections++ == 0;
            const std::array<std::byte, 512> block{};
            while (const auto command = socket.receiveCommand()) {
                if (command->opcode == nvme_cmd_write) {
                    socket.answer(command->command_id);
                    continue;
                }
                if (is_first) has_gone.wait(false);
                socket.sendData(command->command_id, 0, block);
            }
        },
        [&](PduSocket& socket, const SubmissionEntry& command) {
            if (command.opcode != nvme_admin_identify || command.cdw10 != NVME_IDENTIFY_CNS_NS_ACTIVE_LIST)
                return false;
            const int number = lists++;
            if (number == 1) {
                const std::array<std::byte, 4096> none{};
                socket.sendData(command.command_id, 0, none);
            } else if (number == 2) {
                socket.end();
            }
            return number == 1 || number == 2;
        });
    Host host;
    host.connect(target.port(), "nqn.2016-06.io.mc:scripted");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes data = patternBytes(300, 3);
    NotedRequest first{HostRequest::Kind::Write, 1, 0, std::span(data).first(100)};
    host.controller().submit(first);
    host.controller().flush();
    EXPECT_EQ(host.read(2, 0, std::span(data).first(100)), Outcome::Rejected) << "no namespace is there by now";
    has_gone = true;
    has_gone.notify_all();
    ASSERT_TRUE(host.runUntil([&] { return host.state == HostController::State::Reconnecting; }));
    EXPECT_EQ(host.write(1, 100, std::span(data).last(200)), Outcome::Completed);
    EXPECT_EQ(first.ends, 1);
    EXPECT_EQ(first.outcome, Outcome::Lost);
}

// Whether they were asked for or went with their command.
TEST(LentPages, AreNotSentAnyMoreWhenTheWriteIsGivenUp) {
    std::atomic<int> ended = -1;
    ScriptedTarget target(
        [&](PduSocket& socket) {
            ended = socket.awaitEnd();
            ended.notify_all();
        },
        [](PduSocket& socket, const SubmissionEntry& command) {
            if (command.opcode != nvme_admin_identify || command.cdw10 != NVME_IDENTIFY_CNS_CTRL) return false;
            std::array<std::byte, 4096> page{};
            auto& controller = *reinterpret_cast<nvme_id_ctrl*>(page.data());
            controller.mdts = 6;
            controller.ioccsz = 4 + (128 << 10) / 16;
            socket.sendData(command.command_id, 0, page);
            return true;
        });
    Host host;
    host.connect(target.port(), "nqn.2016-06.io.mc:scripted");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes data = patternBytes(128 << 10, 3);
    NotedRequest write{HostRequest::Kind::Write, 1, 0, data};
    host.controller().submit(write);
    host.controller().flush();
    host.controller().cancel();
    EXPECT_EQ(write.outcome, Outcome::Canceled);
    ended.wait(-1);
    EXPECT_EQ(ended, ECONNRESET);
}

}  // namespace
}  // namespace mc::nvme::host::test
