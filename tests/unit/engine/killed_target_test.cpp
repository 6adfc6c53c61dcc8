#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "engine/target_process.h"

namespace mc {
namespace {

using std::chrono::milliseconds;
using test::TargetProcess;

constexpr std::size_t kBlock = 64 << 10;
constexpr std::size_t kRequests = 32;
constexpr std::size_t kThreads = 3;
constexpr std::size_t kPart = kBlock * kRequests;  // Of one thread, in the target and here.
constexpr std::byte kPoison{0xEE};

EngineOptions impatient() {
    return {.tcp = {.connect_timeout = milliseconds(1000), .status_timeout = milliseconds(500)},
            .retry_count = 2,
            .slice_timeout = milliseconds(1500)};
}

/// Batches of one thread: reads of the first half of its part, writes to the second. Whatever has ended is judged by
/// its content and then poisoned; nothing may change it afterwards.
class Load {
  public:
    Load(TransferEngine& engine, SegmentHandle segment, const TargetProcess& target, std::size_t part)
        : engine_(engine), segment_(segment), remote_(target.memory().subspan(part * kPart, kPart)) {
        EXPECT_TRUE(engine.registerLocalMemory(local.data(), local.size(), "*", false));
    }

    /// One batch. `poll`: ask for the status of each request instead of waiting for all.
    void run(unsigned round, bool poll) {
        const auto batch = engine_.allocateBatchID(kRequests);
        ASSERT_TRUE(batch);
        std::vector<TransferRequest> requests(kRequests);
        for (std::size_t i = 0; i < kRequests; ++i) {
            const bool write = isWrite(i);
            std::ranges::fill(block(i), write ? mark(round, i) : std::byte{0});
            requests[i].opcode = write ? Opcode::Write : Opcode::Read;
            requests[i].source = block(i).data();
            requests[i].target_id = segment_;
            requests[i].target_offset = reinterpret_cast<std::uint64_t>(remote_.data() + i * kBlock);
            requests[i].length = kBlock;
        }
        ASSERT_TRUE(engine_.submitTransfer(*batch, requests));
        if (poll) {
            awaitEach(*batch, round);
        } else {
            ASSERT_TRUE(engine_.waitBatch(*batch, std::chrono::seconds(30))) << "a request hangs";
            for (std::size_t i = 0; i < kRequests; ++i) {
                judge(i, round, engine_.getTransferStatus(*batch, i)->s);
            }
        }
        ASSERT_TRUE(engine_.waitBatch(*batch, std::chrono::seconds(30)));
        ASSERT_TRUE(engine_.freeBatchID(*batch));
        // Nobody else touches these.
        ASSERT_TRUE(std::ranges::all_of(local, [](std::byte byte) { return byte == kPoison; }))
            << "a buffer changed after its request had ended";
    }

    bool writes = true;
    std::atomic<std::size_t> completed = 0;
    std::size_t failed = 0;
    std::size_t timed_out = 0;
    std::size_t completed_in_a_row = 0;
    std::vector<std::byte> local = std::vector<std::byte>(kPart);

  private:
    bool isWrite(std::size_t i) const { return writes && i % 2 == 1; }
    static std::byte mark(unsigned round, std::size_t i) { return static_cast<std::byte>(1 + (round * 37 + i) % 200); }
    std::span<std::byte> block(std::size_t i) { return std::span(local).subspan(i * kBlock, kBlock); }

    void awaitEach(BatchID batch, unsigned round) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        std::vector<bool> ended(kRequests);
        for (std::size_t left = kRequests; left > 0;) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit) << "a request hangs";
            for (std::size_t i = 0; i < kRequests; ++i) {
                const auto status = engine_.getTransferStatus(batch, i)->s;
                if (ended[i] || status == TaskStatus::WAITING) continue;
                judge(i, round, status);
                ended[i] = true;
                --left;
            }
            std::this_thread::yield();
        }
    }

    void judge(std::size_t i, unsigned round, TaskStatus status) {
        if (status == TaskStatus::COMPLETED) {
            const auto remote = remote_.subspan(i * kBlock, kBlock);
            EXPECT_TRUE(std::ranges::equal(block(i), remote)) << "request " << i << " of round " << round;
            if (isWrite(i)) {
                EXPECT_EQ(remote[kBlock - 1], mark(round, i));
            }
            ++completed;
            ++completed_in_a_row;
        } else if (status == TaskStatus::FAILED) {
            completed_in_a_row = 0;
            ++failed;
        } else {
            EXPECT_EQ(status, TaskStatus::TIMEOUT) << toString(status);
            completed_in_a_row = 0;
            ++timed_out;
        }
        std::ranges::fill(block(i), kPoison);
    }

    TransferEngine& engine_;
    const SegmentHandle segment_;
    const std::span<std::byte> remote_;
};

/// An initiator under load from several threads, to whose target something happens in the middle.
class KilledTarget : public ::testing::Test {
  protected:
    void SetUp() override { segment_name_ = target_.start(); }

    /// Loads the target, calls `happen` when it is busy, and goes on until `enough`.
    void load(const std::function<void()>& happen, const std::function<bool(const Load&)>& enough) {
        std::vector<std::unique_ptr<Load>> loads;
        TransferEngine engine(options_);
        ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
        ASSERT_TRUE(engine.installTransport("tcp"));
        const auto segment = engine.openSegment(segment_name_);
        ASSERT_TRUE(segment) << segment.error().message;
        for (std::size_t i = 0; i < kThreads; ++i) {
            loads.push_back(std::make_unique<Load>(engine, *segment, target_, i));
            loads.back()->writes = writes_;
        }
        {
            std::atomic<bool> happened = false;
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < kThreads; ++i) {
                threads.emplace_back([&, i] {
                    for (unsigned round = 0; !(happened && enough(*loads[i])) && !HasFatalFailure(); ++round) {
                        loads[i]->run(round, (round + i) % 2 == 0);
                    }
                });
            }
            while ((loads[0]->completed < 200 || loads[1]->completed < 200) && !HasFatalFailure()) {
                std::this_thread::yield();
            }
            happen();
            happened = true;
        }
        for (const auto& load : loads) {
            completed_ += load->completed;
            failed_ += load->failed;
            timed_out_ += load->timed_out;
            EXPECT_TRUE(std::ranges::all_of(load->local, [](std::byte byte) { return byte == kPoison; }));
        }
    }

    TargetProcess target_{kThreads * kPart};
    std::string segment_name_;
    EngineOptions options_ = impatient();
    bool writes_ = true;
    std::size_t completed_ = 0;
    std::size_t failed_ = 0;
    std::size_t timed_out_ = 0;
};

TEST_F(KilledTarget, EndsEveryRequestAndTouchesNoBufferAfterwards) {
    load([&] { target_.kill(); }, [](const Load& load) { return load.failed + load.timed_out >= 2 * kRequests; });
    EXPECT_GT(completed_, 0U);
    EXPECT_GE(failed_ + timed_out_, 2 * kRequests * kThreads);
}

TEST_F(KilledTarget, EndsEveryRequestOfVersion1AndTouchesNoBufferAfterwards) {
    options_.tcp.protocol_version = 1;
    writes_ = false;  // Nothing tells when one of them is in memory.
    load([&] { target_.kill(); }, [](const Load& load) { return load.failed + load.timed_out >= 2 * kRequests; });
    EXPECT_GT(completed_, 0U);
    EXPECT_GE(failed_ + timed_out_, 2 * kRequests * kThreads);
}

TEST_F(KilledTarget, ThatOnlyStoodStillDoesNotReachTheBuffersOfTheTimedOut) {
    writes_ = false;  // One that timed out may still be applied, after a later one.
    std::atomic<bool> overdue = false;
    std::atomic<bool> awake = false;
    std::jthread waker;
    load(
        [&] {
            target_.signal(SIGSTOP);
            waker = std::jthread([&] {
                // Longer than a request's time: its answer still comes afterwards.
                std::this_thread::sleep_for(milliseconds(2500));
                for (int i = 0; i < 3000 && !overdue; ++i)
                    std::this_thread::sleep_for(milliseconds(10));
                target_.signal(SIGCONT);
                awake = true;
            });
        },
        [&](const Load& load) {
            if (load.timed_out > 0) overdue = true;
            // On a slow machine a thread may have been elsewhere while the target stood still.
            return awake && load.completed_in_a_row > 0;
        });
    EXPECT_GT(timed_out_, 0U);
}

TEST_F(KilledTarget, ThatCameBackAtItsAddressServesANewInitiator) {
    load([&] { target_.kill(); }, [](const Load& load) { return load.failed + load.timed_out > 0; });
    // From here, where no thread runs any more.
    ASSERT_EQ(target_.start(segment_name_), segment_name_);
    TransferEngine engine;
    ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    ASSERT_TRUE(engine.installTransport("tcp"));
    const auto segment = engine.openSegment(segment_name_);
    ASSERT_TRUE(segment) << segment.error().message;
    Load load(engine, *segment, target_, 0);
    load.run(1, false);
    EXPECT_EQ(load.completed, kRequests);
}

}  // namespace
}  // namespace mc
