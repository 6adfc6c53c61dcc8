#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "black_hole.h"
#include "engine/engine_pair.h"
#include "metadata/memory_store.h"
#include "shortage.h"

namespace mc {
namespace {

using std::chrono::milliseconds;
using test::EnginePair;

/// Takes a connection, as every listener's kernel does, and never answers.
class HungOwner {
  public:
    HungOwner() {
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 64);
        EXPECT_TRUE(listener);
        listener_ = std::move(*listener);
    }
    std::string name() const { return io::localAddress(listener_).toString(); }
    /// Somebody has come, and waits.
    void awaitCaller() const {
        for (;;) {
            auto caller = io::acceptFrom(listener_);
            ASSERT_TRUE(caller);
            if (*caller) {
                caller_ = std::move(*caller);
                return;
            }
            std::this_thread::yield();
        }
    }
    void hangUp() const { caller_.reset(); }

  private:
    FileDescriptor listener_;
    mutable FileDescriptor caller_;
};

TEST(EngineHostile, AnOwnerThatHangsHoldsUpNoOtherSegment) {
    EnginePair pair;
    const HungOwner hung;
    auto opening = std::async(std::launch::async, [&] { return pair.initiator->openSegment(hung.name()); });
    hung.awaitCaller();
    TransferEngine other;
    std::vector<std::byte> memory(64);
    EnginePair::start(other, memory);
    EXPECT_TRUE(pair.initiator->openSegment(other.localServerName()));
    EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
    EXPECT_EQ(opening.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    hung.hangUp();
    EXPECT_EQ(opening.get().error().code, ErrorCode::Protocol);
}

TEST(EngineHostile, StopWaitingEndsAHandshakeWithAnOwnerThatHangs) {
    EnginePair pair;
    const HungOwner hung;
    auto opening = std::async(std::launch::async, [&] { return pair.initiator->openSegment(hung.name()); });
    hung.awaitCaller();
    pair.initiator->stopWaiting();
    const auto opened = opening.get();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::Unavailable);
    EXPECT_NE(opened.error().message.find("interrupted"), std::string::npos) << opened.error().message;
    EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
    EXPECT_FALSE(pair.initiator->openSegment(hung.name()));  // At once, too.
}

TEST(EngineHostile, StopWaitingEndsAConnectThatGetsNoAnswer) {
    EnginePair pair;
    const test::BlackHole hole;
    auto opening =
        std::async(std::launch::async, [&] { return pair.initiator->openSegment(hole.address().toString()); });
    pair.initiator->stopWaiting();
    const auto opened = opening.get();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::Unavailable);
}

/// A store whose puts fail: refused, or applied although the caller is told otherwise.
class UnluckyStore : public metadata::MemoryStore {
  public:
    enum class Luck { Good, Refused, AppliedButTimedOut };

    Result<std::string> put(std::string_view key, std::string_view value, const metadata::Precondition& precondition,
                            Deadline deadline) override {
        const bool concerned = key.find(only) != std::string_view::npos;
        if (luck == Luck::Refused && concerned)
            return std::unexpected(Error{ErrorCode::Unavailable, "store: gone", {}});
        auto done = MemoryStore::put(key, value, precondition, deadline);
        if (luck == Luck::AppliedButTimedOut && concerned)
            return std::unexpected(Error{ErrorCode::TimedOut, "store: no answer", {}});
        return done;
    }
    std::size_t keys() { return MemoryStore::list("", 100, "", std::nullopt)->items.size(); }

    std::atomic<Luck> luck = Luck::Good;
    std::string only;
};
using Luck = UnluckyStore::Luck;

TEST(EngineHostile, ATransportThatCouldNotBePublishedCanBeInstalledAgain) {
    for (const Luck luck : {Luck::Refused, Luck::AppliedButTimedOut}) {
        const auto store = std::make_shared<UnluckyStore>();
        TransferEngine engine;
        ASSERT_TRUE(engine.init(store, "node1", "127.0.0.1"));
        const std::size_t before = store->keys();
        store->luck = luck;
        EXPECT_FALSE(engine.installTransport("tcp"));
        store->luck = Luck::Good;
        EXPECT_EQ(store->keys(), before);
        EXPECT_EQ(engine.uninstallTransport("tcp").error().code, ErrorCode::NotFound);
        EXPECT_TRUE(engine.installTransport("tcp"));
        EXPECT_GT(store->keys(), before);
    }
}

TEST(EngineHostile, AnInitThatCouldNotPublishCanBeTriedAgain) {
    for (const Luck luck : {Luck::Refused, Luck::AppliedButTimedOut}) {
        const auto store = std::make_shared<UnluckyStore>();
        store->luck = luck;
        TransferEngine engine;
        EXPECT_FALSE(engine.init(store, "node1", "127.0.0.1"));
        EXPECT_EQ(store->keys(), 0U);
        EXPECT_EQ(engine.localServerName(), "");
        store->luck = Luck::Good;
        ASSERT_TRUE(engine.init(store, "node2", "127.0.0.1"));
        ASSERT_TRUE(engine.installTransport("tcp"));
        // The name of the second try is the own segment.
        EXPECT_EQ(engine.openSegment("node2").value(), kLocalSegment);
        EXPECT_EQ(engine.segmentDescriptor(kLocalSegment).value()->name, "node2");
    }
}

TEST(EngineHostile, MemoryOfWhichPublishingFailedIsNotFoundInTheStore) {
    const auto store = std::make_shared<UnluckyStore>();
    TransferEngine engine;
    ASSERT_TRUE(engine.init(store, "node1", "127.0.0.1"));
    ASSERT_TRUE(engine.installTransport("tcp"));
    std::vector<std::byte> memory(4096);
    store->luck = Luck::AppliedButTimedOut;
    EXPECT_EQ(engine.registerLocalMemory(memory.data(), memory.size()).error().code, ErrorCode::TimedOut);
    store->luck = Luck::Good;
    TransferEngine reader;
    ASSERT_TRUE(reader.init(store, "node2", "127.0.0.1"));
    ASSERT_TRUE(reader.installTransport("tcp"));
    const auto handle = reader.openSegment("node1");
    ASSERT_TRUE(handle) << handle.error().message;
    EXPECT_TRUE((*reader.segmentDescriptor(*handle))->buffers.empty());
}

TEST(EngineHostile, TwoThreadsMayWaitForOneBatch) {
    EnginePair pair;
    for (int round = 0; round < 50; ++round) {
        const auto batch = pair.initiator->allocateBatchID(64);
        ASSERT_TRUE(batch);
        std::vector<TransferRequest> requests;
        for (std::size_t i = 0; i < 64; ++i) {
            requests.push_back(pair.request(Opcode::Write, i * 16384, 16384));
        }
        ASSERT_TRUE(pair.initiator->submitTransfer(*batch, requests));
        {
            std::vector<std::jthread> waiting;
            for (int i = 0; i < 3; ++i) {
                waiting.emplace_back([&, i] {
                    // One of them gives up early again and again; that is not the others' loss.
                    const milliseconds limit = i == 0 ? milliseconds(0) : milliseconds(60'000);
                    while (!pair.initiator->waitBatch(*batch, limit)) {
                        ASSERT_EQ(i, 0) << "the others' limit is a minute";
                    }
                });
            }
        }
        for (std::size_t i = 0; i < 64; ++i) {
            ASSERT_EQ(pair.initiator->getTransferStatus(*batch, i)->s, TaskStatus::COMPLETED);
        }
        ASSERT_TRUE(pair.initiator->freeBatchID(*batch));
    }
}

TEST(EngineHostile, OptionsThatFitIntoNoDeadlineAreRefusedByName) {
    const auto messageOf = [](const EngineOptions& options) {
        TransferEngine engine(options);
        const auto joined = engine.init("P2PHANDSHAKE", "127.0.0.1");
        if (joined) return std::string("none");
        EXPECT_EQ(joined.error().code, ErrorCode::InvalidArgument);
        return joined.error().message;
    };
    constexpr auto kEndless = milliseconds::max();
    EXPECT_NE(messageOf({.slice_timeout = kEndless}).find("slice_timeout"), std::string::npos);
    EXPECT_NE(messageOf({.slice_timeout = milliseconds(-1)}).find("slice_timeout"), std::string::npos);
    EXPECT_NE(messageOf({.metrics = true, .metrics_interval = milliseconds(0)}).find("metrics_interval"),
              std::string::npos);
    EXPECT_NE(messageOf({.tcp = {.status_timeout = kEndless}}).find("tcp.status_timeout"), std::string::npos);
    EXPECT_NE(messageOf({.tcp = {.stall_timeout = milliseconds(-5)}}).find("tcp.stall_timeout"), std::string::npos);
    EXPECT_NE(messageOf({.handshake_connect_timeout = milliseconds(0)}).find("handshake_connect_timeout"),
              std::string::npos);
    EXPECT_EQ(messageOf({.slice_timeout = std::chrono::hours(8760)}), "none");
    EXPECT_EQ(messageOf({}), "none");
}

TEST(EngineHostile, ALongSliceTimeoutEndsNothing) {
    EnginePair pair({.slice_timeout = std::chrono::hours(8760)});
    EXPECT_EQ(pair.run({pair.request(Opcode::Write, 0, 4096)})[0].s, TaskStatus::COMPLETED);
}

TEST(EngineHostile, LengthsThatNoBufferHasAreInvalid) {
    EnginePair pair;
    std::vector<TransferRequest> requests;
    for (const std::size_t length : {std::size_t{1} << 63, ~std::size_t{0}, EnginePair::kSize + 1}) {
        requests.push_back(pair.request(Opcode::Read, 0, length));
        requests.push_back(pair.request(Opcode::Write, 8, length));
    }
    requests.push_back(pair.request(Opcode::Read, 0, 0));
    requests.push_back(pair.request(static_cast<Opcode>(7), 0, 8));
    const auto statuses = pair.run(requests);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(statuses[i].s, TaskStatus::INVALID) << i;
    }
    EXPECT_EQ(statuses[6].s, TaskStatus::COMPLETED);
    EXPECT_EQ(statuses[6].transferred, 0U);
    EXPECT_EQ(statuses[7].s, TaskStatus::INVALID);
}

TEST(EngineHostile, WithoutDescriptorsItSaysSoAndWorksAgainLater) {
    EnginePair pair({.tcp = {.connect_timeout = std::chrono::seconds(3)}, .retry_count = 1});
    {
        const test::DescriptorShortage shortage;
        // FAILED; or TIMEOUT where the handshake's descriptor was given back late, and nobody can accept.
        EXPECT_NE(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
        const test::DescriptorShortage rest;
        const auto opened = pair.initiator->openSegment("127.0.0.1:1");
        ASSERT_FALSE(opened);
        TransferEngine other;
        const auto joined = other.init("P2PHANDSHAKE", "127.0.0.1");
        ASSERT_FALSE(joined);
        EXPECT_EQ(joined.error().code, ErrorCode::System);
        EXPECT_NE(joined.error().message.find("Too many open files"), std::string::npos) << joined.error().message;
        EXPECT_NE(joined.error().hint.find("ulimit"), std::string::npos);
    }
    EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
}

}  // namespace
}  // namespace mc
