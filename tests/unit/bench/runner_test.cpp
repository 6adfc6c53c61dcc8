#include "bench/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

#include "bench/fake_client.h"

namespace mc::bench {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class RunnerTest : public testing::Test {
  protected:
    RunnerTest() {
        workload.duration = 20ms;
        workload.seed = 42;
        workload.verify = true;
        remote.resize(parameters.span());
        local.resize(parameters.span());
        scratch.resize(parameters.span());
    }

    Endpoints endpoints() {
        return {.segment = 1,
                .remote = {{reinterpret_cast<std::uintptr_t>(remote.data()), remote.size()}},
                .local = {std::span(local)},
                .scratch = {std::span(scratch)}};
    }
    Result<CaseResult> run(Operation operation, std::stop_token stop = {}) {
        parameters.operation = operation;
        return Runner(client, endpoints(), workload).run(parameters, 1, std::move(stop));
    }

    Case parameters{.block_size = 1000, .batch_size = 8, .threads = 3};
    Workload workload;
    FakeClient client;
    std::vector<std::byte> remote, local, scratch;
};

TEST_F(RunnerTest, RandomAccessReachesAllOfTheSegmentAndIsVerified) {
    parameters.access = Access::Random;
    remote.resize(5 * parameters.span());
    std::set<std::uint64_t> touched;
    std::stop_source stop;
    std::mutex mutex;
    client.serve = [&](const TransferRequest& request) {
        const std::lock_guard lock(mutex);
        touched.insert(request.target_offset - reinterpret_cast<std::uintptr_t>(remote.data()));
        if (touched.size() > parameters.batch_size * parameters.threads) stop.request_stop();
        return FakeClient::copy(request);
    };
    workload.duration = 10s;
    for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
        touched.clear();
        stop = std::stop_source();
        const auto result = run(operation, stop.get_token());
        ASSERT_TRUE(result);
        EXPECT_TRUE(result->ok());
        ASSERT_TRUE(result->verification);
        EXPECT_EQ(result->verification->blocks, result->counts.requests);
        EXPECT_GT(touched.size(), parameters.batch_size * parameters.threads) << "not the same places each time";
        EXPECT_LT(*touched.rbegin(), remote.size());
    }
}

TEST_F(RunnerTest, CountsEveryByteAndRequestOfTheMeasuredBatches) {
    workload.verify = false;
    workload.warm_up = 2ms;
    for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
        const auto result = run(operation);
        ASSERT_TRUE(result);
        EXPECT_TRUE(result->ok());
        EXPECT_GE(result->counts.batches, 3);
        EXPECT_EQ(result->counts.requests, result->counts.batches * 8);
        EXPECT_EQ(result->counts.bytes(), result->counts.requests * 1000);
        EXPECT_EQ(result->request_latency.count, result->counts.requests);
        EXPECT_EQ(result->batch_latency.count, result->counts.batches);
        EXPECT_EQ(result->request_latency.max, 5us);
        EXPECT_GT(result->duration, 0ns);
        EXPECT_FALSE(result->verification);
        EXPECT_EQ(client.openBatches(), 0);
    }
    const auto mixed = run(Operation::Mixed);
    EXPECT_EQ(mixed->counts.read_bytes, mixed->counts.write_bytes);
}

TEST_F(RunnerTest, VerifiesEveryBlockOfEveryOperation) {
    for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
        const auto result = run(operation);
        ASSERT_TRUE(result);
        ASSERT_TRUE(result->verification);
        EXPECT_TRUE(result->ok()) << toString(operation);
        EXPECT_GT(result->counts.batches, 0);
        EXPECT_EQ(result->verification->blocks, result->counts.requests);
        EXPECT_EQ(result->verification->bytes, result->counts.bytes());
        EXPECT_LE(result->duration, result->elapsed);
    }
}

TEST_F(RunnerTest, KeepsSeveralBatchesOfAThreadUnderWay) {
    parameters.threads = 1;
    parameters.batches_in_flight = 3;
    remote.assign(parameters.span(), std::byte{});
    workload.duration = 1h;
    std::size_t most = 0;
    std::size_t served = 0;
    std::stop_source stop;
    client.serve = [&](const TransferRequest& request) {
        most = std::max(most, client.openBatches());
        if (++served == 100) stop.request_stop();
        return FakeClient::copy(request);
    };
    for (const bool verify : {false, true}) {
        workload.verify = verify;
        for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
            most = served = 0;
            stop = std::stop_source();
            const auto result = run(operation, stop.get_token());
            ASSERT_TRUE(result);
            EXPECT_TRUE(result->ok());
            EXPECT_EQ(most, 3);
            EXPECT_GE(result->counts.batches, 3);
            EXPECT_EQ(result->counts.requests, result->counts.batches * 8);
            EXPECT_EQ(result->verification ? result->verification->blocks : 0, verify ? result->counts.requests : 0);
            EXPECT_EQ(client.openBatches(), 0);
        }
    }
}

TEST_F(RunnerTest, WaitsForTheOtherBatchesWhenOneHasFailed) {
    parameters.threads = 1;
    parameters.batches_in_flight = 3;
    std::atomic<int> served = 0;
    workload.verify = false;
    workload.duration = 1h;
    client.serve = [&](const TransferRequest& request) {
        if (++served == 100) return TransferStatus{TaskStatus::FAILED, 0, {}, false};
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Read);
    ASSERT_TRUE(result && result->failure);
    EXPECT_EQ(result->counts.failed_batches, 1);
    EXPECT_EQ(client.openBatches(), 0);
}

TEST_F(RunnerTest, FindsAWriteThatNeverArrives) {
    std::atomic<int> writes = 0;
    std::stop_source stop;
    workload.duration = 1h;
    client.serve = [&](const TransferRequest& request) {
        const int write = request.opcode == Opcode::Write ? ++writes : 0;
        if (write == 40) return TransferStatus{TaskStatus::COMPLETED, 1000, {}, true};
        if (write == 200) stop.request_stop();
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Write, stop.get_token());
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->ok());
    EXPECT_EQ(result->verification->mismatched_blocks, 1);
    EXPECT_EQ(result->verification->by_kind[static_cast<int>(MismatchKind::Stale)], 1);
    ASSERT_EQ(result->verification->examples.size(), 1);
    EXPECT_EQ(result->verification->examples[0].opcode, Opcode::Write);
    EXPECT_EQ(result->verification->examples[0].mismatch.offset % 1000, 0);
}

TEST_F(RunnerTest, FindsATornRead) {
    std::atomic<int> reads = 0;
    client.serve = [&](TransferRequest request) {
        if (request.opcode == Opcode::Read && ++reads == 20) request.length = 504;
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Read);
    EXPECT_EQ(result->verification->by_kind[static_cast<int>(MismatchKind::Torn)], 1);
}

TEST_F(RunnerTest, FindsBlocksThatWereExchanged) {
    client.serve = [&](TransferRequest request) {
        // The offset of the first two blocks, exchanged; reads go where they should.
        const auto base = reinterpret_cast<std::uintptr_t>(remote.data());
        if (request.opcode == Opcode::Write && request.target_offset < base + 6000 &&
            (request.target_offset - base) % 3000 == 0) {
            request.target_offset = 2 * base + 3000 - request.target_offset;
        }
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Write);
    EXPECT_GT(result->verification->by_kind[static_cast<int>(MismatchKind::Misplaced)], 0);
    EXPECT_EQ(result->verification->by_kind[static_cast<int>(MismatchKind::Corrupt)], 0);
}

TEST_F(RunnerTest, KnowsDataOfAnEarlierCaseFromThisOne) {
    Runner runner(client, endpoints(), workload);
    parameters.operation = Operation::Write;
    ASSERT_TRUE(runner.run(parameters, 1, {})->ok());
    client.serve = [](const TransferRequest& request) {
        if (request.opcode == Opcode::Write) return TransferStatus{TaskStatus::COMPLETED, 1000, {}, true};
        return FakeClient::copy(request);
    };
    const auto second = runner.run(parameters, 2, {});
    EXPECT_EQ(second->verification->mismatched_blocks, second->verification->blocks);
    EXPECT_GT(second->verification->blocks, 0);
}

TEST_F(RunnerTest, ReportsTheFirstFailedRequestAndStops) {
    std::atomic<int> served = 0;
    workload.duration = 1h;
    workload.verify = false;
    client.serve = [&](const TransferRequest& request) {
        if (++served == 100) return TransferStatus{TaskStatus::FAILED, 17, {}, false};
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Read);
    ASSERT_TRUE(result);
    ASSERT_TRUE(result->failure && result->failure->request);
    EXPECT_FALSE(result->ok());
    EXPECT_EQ(result->failure->request->status, TaskStatus::FAILED);
    EXPECT_EQ(result->failure->request->transferred, 17);
    EXPECT_THAT(result->failure->error.message, HasSubstr("FAILED after 17 of 1000 bytes"));
    EXPECT_EQ(result->counts.failed_requests, 1);
    EXPECT_EQ(result->counts.failed_batches, 1);
    EXPECT_EQ(result->counts.bytes() % 1000, 0);
    EXPECT_EQ(client.openBatches(), 0);
}

TEST_F(RunnerTest, ATimedOutRequestIsATimeOut) {
    client.serve = [](const TransferRequest&) { return TransferStatus{TaskStatus::TIMEOUT, 0, {}, false}; };
    EXPECT_EQ(run(Operation::Write)->failure->error.code, ErrorCode::TimedOut);
}

TEST_F(RunnerTest, KeepsTheBatchOfAWaitThatTimedOut) {
    client.wait_error = Error{ErrorCode::TimedOut, "batch 1: not ended after 1s", {}};
    const auto result = run(Operation::Write);
    EXPECT_EQ(result->failure->error.code, ErrorCode::TimedOut);
    EXPECT_GT(client.openBatches(), 0);
}

TEST_F(RunnerTest, ASignalEndsTheRunAndKeepsWhatWasMeasured) {
    workload.duration = 1h;
    for (const bool verify : {false, true}) {
        workload.verify = verify;
        std::stop_source stop;
        std::atomic<int> served = 0;
        client.serve = [&](const TransferRequest& request) {
            if (++served == 500) stop.request_stop();
            return FakeClient::copy(request);
        };
        const auto result = run(Operation::Read, stop.get_token());
        ASSERT_TRUE(result);
        EXPECT_TRUE(result->interrupted);
        EXPECT_TRUE(result->ok());
        EXPECT_GT(result->counts.bytes(), 0);
    }
}

TEST_F(RunnerTest, SaysHowMuchOfWhatWasWrittenIsAcknowledged) {
    workload.verify = false;
    EXPECT_EQ(run(Operation::Read)->counts.acknowledgement(), Acknowledgement::NotApplicable);
    EXPECT_EQ(run(Operation::Write)->counts.acknowledgement(), Acknowledgement::Acknowledged);
    std::atomic<int> served = 0;
    client.serve = [&](const TransferRequest& request) {
        auto status = FakeClient::copy(request);
        status.acknowledged = ++served % 2 == 0;
        return status;
    };
    EXPECT_EQ(run(Operation::Write)->counts.acknowledgement(), Acknowledgement::Mixed);
    client.serve = [&](const TransferRequest& request) {
        auto status = FakeClient::copy(request);
        status.acknowledged = false;
        return status;
    };
    EXPECT_EQ(run(Operation::Write)->counts.acknowledgement(), Acknowledgement::Unacknowledged);
}

TEST_F(RunnerTest, WaitsForAPeerThatAppliesWritesLateBeforeItMeasuresReads) {
    std::mutex mutex;
    std::vector<std::pair<TransferRequest, std::vector<std::byte>>> late;
    std::atomic<int> reads = 0;
    client.serve = [&](const TransferRequest& request) {
        const std::lock_guard lock(mutex);
        if (request.opcode == Opcode::Write) {
            const auto* source = static_cast<const std::byte*>(request.source);
            late.emplace_back(request, std::vector(source, source + request.length));
            return TransferStatus{TaskStatus::COMPLETED, request.length, {}, false};
        }
        if (++reads % 100 == 0) {
            for (auto& [write, data] : late) {
                write.source = data.data();
                FakeClient::copy(write);
            }
            late.clear();
        }
        return FakeClient::copy(request);
    };
    const auto result = run(Operation::Read);
    EXPECT_GT(result->verification->blocks, 0);
    EXPECT_EQ(result->verification->mismatched_blocks, 0);
}

TEST_F(RunnerTest, RefusesBuffersThatAreTooSmallBeforeItStarts) {
    remote.resize(parameters.span() - 1);
    const auto result = run(Operation::Read);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(result.error().message, HasSubstr("remote buffer 0 has 23999"));
    remote.resize(parameters.span());
    scratch.clear();
    EXPECT_THAT(run(Operation::Read).error().message, HasSubstr("local scratch"));
}

TEST_F(RunnerTest, SpreadsThreadsOverSeveralBuffers) {
    std::vector<std::byte> second(parameters.span());
    auto both = endpoints();
    both.remote.push_back({reinterpret_cast<std::uintptr_t>(second.data()), second.size()});
    parameters.operation = Operation::Write;
    const auto result = Runner(client, both, workload).run(parameters, 1, {});
    ASSERT_TRUE(result && result->ok());
    const auto used = [](const std::vector<std::byte>& memory, std::size_t at) { return memory[at] != std::byte{0}; };
    EXPECT_TRUE(used(remote, 4) && used(remote, 2004) && !used(remote, 1004));  // Threads 0 and 2.
    EXPECT_TRUE(used(second, 1004) && !used(second, 4));                        // Thread 1.
}

}  // namespace
}  // namespace mc::bench
