#include <gtest/gtest.h>

#include <thread>

#include "engine/engine_pair.h"
#include "metadata/memory_store.h"

namespace mc {
namespace {

using test::EnginePair;
using test::fillPattern;

TEST(TransferEngine, WritesAndReadsBack) {
    EnginePair pair;
    fillPattern(pair.local, 1);
    const auto expected = pair.local;
    EXPECT_EQ(pair.initiator->peerInfo(pair.segment)->protocol_version, 0);
    auto statuses = pair.run({pair.request(Opcode::Write, 0, EnginePair::kSize)});
    ASSERT_EQ(statuses[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(statuses[0].transferred, EnginePair::kSize);
    EXPECT_TRUE(statuses[0].acknowledged);
    EXPECT_GT(statuses[0].latency.count(), 0);
    EXPECT_EQ(pair.remote, expected);
    const auto peer = pair.initiator->peerInfo(pair.segment);
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->protocol_version, 2);
    EXPECT_TRUE(peer->keeps_connections);
    EXPECT_FALSE(peer->congestion_control.empty());

    std::ranges::fill(pair.local, std::byte{0});
    statuses = pair.run({pair.request(Opcode::Read, 0, EnginePair::kSize)});
    ASSERT_EQ(statuses[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(pair.local, expected);
}

TEST(TransferEngine, MovesManyRequestsOfOddSizesInOneBatch) {
    EnginePair pair;
    fillPattern(pair.local, 2);
    const auto expected = pair.local;
    std::vector<TransferRequest> requests;
    std::size_t offset = 0;
    for (std::size_t size = 1; offset + size <= EnginePair::kSize; size = size * 3 % 9973 + 1) {
        requests.push_back(pair.request(Opcode::Write, offset, size));
        offset += size;
    }
    for (const auto& status : pair.run(requests)) {
        ASSERT_EQ(status.s, TaskStatus::COMPLETED);
    }
    EXPECT_TRUE(
        std::equal(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(offset), pair.remote.begin()));

    std::ranges::fill(pair.local, std::byte{0});
    for (auto& request : requests) {
        request.opcode = Opcode::Read;
    }
    for (const auto& status : pair.run(requests)) {
        ASSERT_EQ(status.s, TaskStatus::COMPLETED);
    }
    EXPECT_TRUE(
        std::equal(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(offset), pair.local.begin()));
}

TEST(TransferEngine, ServesManyThreadsAtOnce) {
    EnginePair pair;
    fillPattern(pair.local, 3);
    constexpr std::size_t kThreads = 12;
    constexpr std::size_t kShare = EnginePair::kSize / kThreads;
    std::vector<std::jthread> threads;
    std::atomic<int> failed = 0;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int round = 0; round < 30; ++round) {
                const auto opcode = round % 2 == 0 ? Opcode::Write : Opcode::Read;
                std::vector<TransferRequest> requests;
                for (std::size_t i = 0; i < 16; ++i) {
                    requests.push_back(pair.request(opcode, t * kShare + i * (kShare / 16), kShare / 16));
                }
                for (const auto& status : pair.run(requests)) {
                    if (status.s != TaskStatus::COMPLETED) ++failed;
                }
            }
        });
    }
    threads.clear();
    EXPECT_EQ(failed, 0);
    for (std::size_t t = 0; t < kThreads; ++t) {
        EXPECT_EQ(std::memcmp(pair.local.data() + t * kShare, pair.remote.data() + t * kShare, kShare / 16 * 16), 0)
            << t;
    }
}

TEST(TransferEngine, StatusCanBePolledWithoutWaiting) {
    EnginePair pair;
    const auto batch = pair.initiator->allocateBatchID(2);
    ASSERT_TRUE(batch);
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 0)->s, TaskStatus::PENDING);
    ASSERT_TRUE(pair.initiator->submitTransfer(*batch, std::vector{pair.request(Opcode::Read, 0, 4096)}));
    while (pair.initiator->getTransferStatus(*batch, 0)->s == TaskStatus::WAITING) {
        std::this_thread::yield();
    }
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 0)->s, TaskStatus::COMPLETED);
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 1)->s, TaskStatus::PENDING);
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 2).error().code, ErrorCode::InvalidArgument);
    EXPECT_TRUE(pair.initiator->freeBatchID(*batch));
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 0).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(pair.initiator->freeBatchID(*batch).error().code, ErrorCode::InvalidArgument);
}

TEST(TransferEngine, ABatchMayBeWaitedForByAnotherThreadThanItsSubmitter) {
    EnginePair pair;
    const auto batch = pair.initiator->allocateBatchID(64);
    ASSERT_TRUE(batch);
    std::thread([&] {
        std::vector<TransferRequest> requests(64, pair.request(Opcode::Read, 0, 16384));
        ASSERT_TRUE(pair.initiator->submitTransfer(*batch, requests));
    }).join();
    EXPECT_TRUE(pair.initiator->waitBatch(*batch, std::chrono::seconds(20)));
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 63)->s, TaskStatus::COMPLETED);
    EXPECT_TRUE(pair.initiator->freeBatchID(*batch));
}

TEST(TransferEngine, WrongRequestsAreInvalidAndTouchNothing) {
    EnginePair pair;
    std::vector<std::byte> stranger(4096);
    std::vector<TransferRequest> requests(8, pair.request(Opcode::Read, 0, 4096));
    requests[0].source = stranger.data();                                  // Not registered.
    requests[1].target_offset = pair.remoteAddress() + EnginePair::kSize;  // Behind the buffer.
    requests[2].target_offset = pair.remoteAddress() + EnginePair::kSize - 4095;
    requests[3].target_offset = ~std::uint64_t{0} - 100;  // Wraps.
    requests[4].target_id = 77;
    requests[5].length = std::size_t{1} << 63;
    requests[6].length = 0;  // Fine, and done at once.
    const auto statuses = pair.run(requests);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(statuses[i].s, TaskStatus::INVALID) << i;
        EXPECT_EQ(statuses[i].transferred, 0U);
    }
    EXPECT_EQ(statuses[6].s, TaskStatus::COMPLETED);
    EXPECT_EQ(statuses[7].s, TaskStatus::COMPLETED);
}

TEST(TransferEngine, ARequestAcrossTwoBuffersThatTouchIsInvalidAndTouchesNeither) {
    constexpr std::size_t kHalf = 4096;
    EnginePair pair;
    std::vector<std::byte> there(2 * kHalf, std::byte{1});
    std::vector<std::byte> here(2 * kHalf, std::byte{2});
    for (const std::size_t half : {std::size_t{0}, kHalf}) {
        ASSERT_TRUE(pair.target->registerLocalMemory(there.data() + half, kHalf));
        ASSERT_TRUE(pair.initiator->registerLocalMemory(here.data() + half, kHalf));
    }
    const auto across = [&](Opcode opcode, std::size_t local, std::size_t remote, std::size_t length) {
        TransferRequest request = pair.request(opcode, 0, length);
        request.source = here.data() + local;
        request.target_offset = reinterpret_cast<std::uint64_t>(there.data() + remote);
        return request;
    };
    std::vector<TransferRequest> requests;
    for (const Opcode opcode : {Opcode::Read, Opcode::Write}) {
        requests.push_back(across(opcode, 0, kHalf - 1, 2));  // There.
        requests.push_back(across(opcode, kHalf - 1, 0, 2));  // Here.
        requests.push_back(across(opcode, 0, 0, 2 * kHalf));  // At both ends.
    }
    for (const auto& status : pair.run(requests)) {
        EXPECT_EQ(status.s, TaskStatus::INVALID);
        EXPECT_EQ(status.transferred, 0U);
    }
    EXPECT_EQ(there, std::vector<std::byte>(2 * kHalf, std::byte{1}));
    EXPECT_EQ(here, std::vector<std::byte>(2 * kHalf, std::byte{2}));
    for (const auto& status :
         pair.run({across(Opcode::Write, 0, 0, kHalf), across(Opcode::Write, kHalf, kHalf, kHalf)}))
        EXPECT_EQ(status.s, TaskStatus::COMPLETED);
    EXPECT_EQ(there, here);
}

TEST(TransferEngine, BatchesRefuseWhatDoesNotFit) {
    EnginePair pair;
    EXPECT_EQ(pair.initiator->allocateBatchID(0).error().code, ErrorCode::InvalidArgument);
    const auto batch = pair.initiator->allocateBatchID(1);
    ASSERT_TRUE(batch);
    const std::vector<TransferRequest> two(2, pair.request(Opcode::Read, 0, 1));
    EXPECT_EQ(pair.initiator->submitTransfer(*batch, two).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(pair.initiator->getTransferStatus(*batch, 0)->s, TaskStatus::PENDING);
    EXPECT_TRUE(pair.initiator->freeBatchID(*batch));
}

TEST(TransferEngine, InitTwiceIsRefused) {
    TransferEngine engine;
    EXPECT_EQ(engine.openSegment("x").error().code, ErrorCode::InvalidArgument);
    ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    EXPECT_EQ(engine.init("P2PHANDSHAKE", "127.0.0.1").error().code, ErrorCode::Busy);
    ASSERT_TRUE(engine.installTransport("tcp"));
    EXPECT_EQ(engine.installTransport("tcp").error().code, ErrorCode::AlreadyExists);
    EXPECT_TRUE(engine.installOrGetTransport("tcp"));
    EXPECT_EQ(engine.installTransport("rdma").error().code, ErrorCode::Unsupported);
}

TEST(TransferEngine, MemoryRegisteredLaterIsFound) {
    EnginePair pair;
    std::vector<std::byte> later(4096, std::byte{42});
    ASSERT_TRUE(pair.target->registerLocalMemory(later.data(), later.size()));
    auto request = pair.request(Opcode::Read, 0, later.size());
    request.target_offset = reinterpret_cast<std::uint64_t>(later.data());
    EXPECT_EQ(pair.run({request})[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(pair.local[4095], std::byte{42});
    ASSERT_TRUE(pair.target->unregisterLocalMemory(later.data()));
    // The initiator still believes in it; the target does not.
    request.advise_retry_cnt = 1;
    EXPECT_NE(pair.run({request})[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 4096)})[0].s, TaskStatus::COMPLETED);
}

TEST(TransferEngine, MemoryThatIsNotRemoteAccessibleIsNotServed) {
    EnginePair pair;
    std::vector<std::byte> secret(4096, std::byte{7});
    ASSERT_TRUE(pair.target->registerLocalMemory(secret.data(), secret.size(), "*", false));
    auto request = pair.request(Opcode::Read, 0, secret.size());
    request.target_offset = reinterpret_cast<std::uint64_t>(secret.data());
    EXPECT_EQ(pair.run({request})[0].s, TaskStatus::INVALID);
}

TEST(TransferEngine, OverlappingRegistrationsAreRefusedWhole) {
    EnginePair pair;
    std::vector<std::byte> more(8192);
    const std::vector<BufferEntry> entries{{more.data(), 4096}, {pair.local.data() + 10, 10}};
    EXPECT_EQ(pair.initiator->registerLocalMemoryBatch(entries).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(pair.initiator->unregisterLocalMemory(more.data()).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(pair.initiator->registerLocalMemory(more.data(), more.size()));
}

TEST(TransferEngine, ADeadPeerEndsAsFailedWithinItsRetries) {
    EngineOptions options;
    options.retry_count = 2;
    EnginePair pair(options);
    pair.target.reset();
    EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 4096)})[0].s, TaskStatus::FAILED);
    EXPECT_EQ(pair.initiator->openSegment("127.0.0.1:1").error().code, ErrorCode::Unavailable);
}

TEST(TransferEngine, TheOwnSegmentIsReachedThroughItsTransport) {
    EnginePair pair;
    const auto own = pair.initiator->openSegment(pair.initiator->localServerName());
    ASSERT_TRUE(own);
    EXPECT_EQ(*own, kLocalSegment);
    pair.local[0] = std::byte{9};
    TransferRequest copy = pair.request(Opcode::Write, 0, 1);
    copy.target_id = kLocalSegment;
    copy.target_offset = reinterpret_cast<std::uint64_t>(pair.local.data() + 100);
    EXPECT_EQ(pair.run({copy})[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(pair.local[100], std::byte{9});
}

TEST(TransferEngine, NotificationsArriveAndAreBounded) {
    EngineOptions target_options;
    target_options.max_notifications = 2;
    EnginePair pair({}, target_options);
    ASSERT_TRUE(pair.initiator->sendNotification(pair.segment, {"a", "one"}));
    ASSERT_TRUE(pair.initiator->sendNotification(pair.segment, {"b", "two"}));
    EXPECT_EQ(pair.initiator->sendNotification(pair.segment, {"c", "three"}).error().code, ErrorCode::Busy);
    const auto taken = pair.target->takeNotifications();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[1].message, "two");
    EXPECT_TRUE(pair.initiator->sendNotification(pair.segment, {"c", "three"}));
}

TEST(TransferEngine, LongNotificationsAreBoundedByTheirBytes) {
    EnginePair pair;
    const std::string long_text(1000000, 'x');
    int sent = 0;
    while (sent < 100 && pair.initiator->sendNotification(pair.segment, {"a", long_text}))
        ++sent;
    EXPECT_EQ(sent, 16);
    EXPECT_EQ(pair.target->takeNotifications().size(), 16U);
    EXPECT_TRUE(pair.initiator->sendNotification(pair.segment, {"a", long_text}));
}

TEST(TransferEngine, EnginesMeetInASharedStoreAndLeaveNothingBehind) {
    const auto store = std::make_shared<metadata::MemoryStore>();
    std::vector<std::byte> remote(4096, std::byte{5});
    std::vector<std::byte> local(4096);
    {
        TransferEngine target;
        TransferEngine initiator;
        ASSERT_TRUE(target.init(store, "node1", "127.0.0.1"));
        ASSERT_TRUE(initiator.init(store, "node2", "127.0.0.1"));
        ASSERT_TRUE(target.installTransport("tcp"));
        ASSERT_TRUE(initiator.installTransport("tcp"));
        ASSERT_TRUE(target.registerLocalMemory(remote.data(), remote.size()));
        ASSERT_TRUE(initiator.registerLocalMemory(local.data(), local.size()));
        const auto segment = initiator.openSegment("/node1");
        ASSERT_TRUE(segment) << segment.error().message;
        EXPECT_EQ(initiator.openSegment("node7").error().code, ErrorCode::NotFound);
        const auto batch = initiator.allocateBatchID(1);
        TransferRequest request;
        request.source = local.data();
        request.target_id = *segment;
        request.target_offset = reinterpret_cast<std::uint64_t>(remote.data());
        request.length = 4096;
        ASSERT_TRUE(initiator.submitTransfer(*batch, {&request, 1}));
        ASSERT_TRUE(initiator.waitBatch(*batch));
        EXPECT_EQ(initiator.getTransferStatus(*batch, 0)->s, TaskStatus::COMPLETED);
        EXPECT_EQ(local, remote);
        ASSERT_TRUE(initiator.freeBatchID(*batch));
        EXPECT_FALSE(store->list("mooncake/", 10, "", std::nullopt)->items.empty());
    }
    EXPECT_TRUE(store->list("mooncake/", 10, "", std::nullopt)->items.empty());
}

TEST(TransferEngine, AnEndlessTimeoutIsNoneAtAll) {
    EnginePair pair;
    const auto batch = pair.initiator->allocateBatchID(1);
    ASSERT_TRUE(batch);
    ASSERT_TRUE(pair.initiator->submitTransfer(*batch, std::vector{pair.request(Opcode::Read, 0, 4096)}));
    EXPECT_TRUE(pair.initiator->waitBatch(*batch, std::chrono::nanoseconds::max()));
    EXPECT_TRUE(pair.initiator->freeBatchID(*batch));
}

TEST(TransferEngine, OptionsThatLeaveNothingAreRefused) {
    EngineOptions no_connections;
    no_connections.tcp.connections_per_peer = 0;
    TransferEngine engine(no_connections);
    ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    EXPECT_EQ(engine.installTransport("tcp").error().code, ErrorCode::InvalidArgument);
    EngineOptions no_ports;
    no_ports.port_range = {16000, 15999};
    EXPECT_EQ(TransferEngine(no_ports).init("P2PHANDSHAKE", "127.0.0.1").error().code, ErrorCode::InvalidArgument);
}

/// Refuses changes when told to, and counts questions.
class FickleStore : public metadata::MemoryStore {
  public:
    Result<metadata::VersionedValue> get(std::string_view key, Deadline deadline) override {
        ++gets;
        return MemoryStore::get(key, deadline);
    }
    Result<std::string> put(std::string_view key, std::string_view value, const metadata::Precondition& precondition,
                            Deadline deadline) override {
        if (refuses) return std::unexpected(Error{ErrorCode::Unavailable, "store: gone", {}});
        return MemoryStore::put(key, value, precondition, deadline);
    }
    std::atomic<bool> refuses = false;
    std::atomic<int> gets = 0;
};

TEST(TransferEngine, MemoryThatCouldNotBePublishedIsNotRegistered) {
    const auto store = std::make_shared<FickleStore>();
    TransferEngine engine;
    ASSERT_TRUE(engine.init(store, "node1", "127.0.0.1"));
    ASSERT_TRUE(engine.installTransport("tcp"));
    std::vector<std::byte> memory(4096);
    store->refuses = true;
    EXPECT_EQ(engine.registerLocalMemory(memory.data(), memory.size()).error().code, ErrorCode::Unavailable);
    store->refuses = false;
    EXPECT_TRUE(engine.registerLocalMemory(memory.data(), memory.size()));
}

TEST(TransferEngine, ManyWrongRequestsAskForTheirSegmentOnce) {
    const auto store = std::make_shared<FickleStore>();
    TransferEngine target;
    TransferEngine engine;
    ASSERT_TRUE(target.init(store, "node1", "127.0.0.1"));
    ASSERT_TRUE(target.installTransport("tcp"));
    ASSERT_TRUE(engine.init(store, "node2", "127.0.0.1"));
    ASSERT_TRUE(engine.installTransport("tcp"));
    std::vector<std::byte> memory(4096);
    ASSERT_TRUE(engine.registerLocalMemory(memory.data(), memory.size()));
    TransferRequest wrong;
    wrong.source = memory.data();
    wrong.target_id = engine.openSegment("node1").value();
    wrong.target_offset = 4096;
    wrong.length = 8;
    const auto batch = engine.allocateBatchID(100);
    const int before = store->gets;
    ASSERT_TRUE(engine.submitTransfer(*batch, std::vector(100, wrong)));
    EXPECT_EQ(engine.getTransferStatus(*batch, 99)->s, TaskStatus::INVALID);
    EXPECT_LE(store->gets - before, 2) << "the descriptor, and where its owner is";
    EXPECT_TRUE(engine.freeBatchID(*batch));
}

TEST(TransferEngine, WhatIsUninstalledIsNotPublishedAnyMore) {
    const auto store = std::make_shared<metadata::MemoryStore>();
    TransferEngine engine;
    ASSERT_TRUE(engine.init(store, "node1", "127.0.0.1"));
    const auto before = store->list("mooncake/", 10, "", std::nullopt)->items.size();
    ASSERT_TRUE(engine.installTransport("tcp"));
    EXPECT_GT(store->list("mooncake/", 10, "", std::nullopt)->items.size(), before);
    ASSERT_TRUE(engine.uninstallTransport("tcp"));
    EXPECT_EQ(store->list("mooncake/", 10, "", std::nullopt)->items.size(), before);
    EXPECT_TRUE(engine.installTransport("tcp"));
}

}  // namespace
}  // namespace mc
