#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>

#include "transport/tcp/raw_socket.h"
#include "transport/tcp/tcp_transport.h"

namespace mc::tcp {
namespace {

using test::Bytes;
using test::RawSocket;

/// Serves one connection after the other in a thread of its own, by a script; memory_ is what it "registers".
class ScriptedPeer {
  public:
    using Script = std::function<void(ScriptedPeer&, RawSocket&)>;

    explicit ScriptedPeer(Script script) : script_(std::move(script)) {
        FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = io::resolve("127.0.0.1", 0)->front();
        EXPECT_EQ(::bind(socket.get(), address.get(), address.length()), 0);
        EXPECT_EQ(::listen(socket.get(), 64), 0);
        listener_ = std::move(socket);
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (auto connection = RawSocket::accept(listener_)) {
                if (stop.stop_requested()) return;
                ++connections;
                script_(*this, *connection);
            }
        });
    }
    ~ScriptedPeer() {
        thread_.request_stop();
        const RawSocket unblock = RawSocket::connect(port());
        thread_.join();
    }
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;

    std::uint16_t port() const { return io::localAddress(listener_).port(); }
    SegmentDescriptor descriptor(int version) const {
        SegmentDescriptor made;
        made.name = "peer";
        made.protocols = {"tcp"};
        made.tcp_data_port = port();
        made.tcp_proto_version = version;
        made.buffers.push_back(
            {.name = "peer", .addr = 0x1000, .length = kSize, .rkey = {}, .lkey = {}, .protocol = {}});
        return made;
    }

    /// Answers one request; false at the end of the stream. `version` 1 takes the acknowledging opcodes for reads.
    bool serveOne(RawSocket& socket, int version) {
        const auto header = socket.receiveHeader();
        if (!header) return false;
        {
            const std::lock_guard lock(mutex_);
            opcodes_.push_back(header->opcode);
        }
        const bool write = version == 2 ? header->isWrite() : header->opcode == 1;
        const bool acknowledged = version == 2 && header->acknowledged();
        const std::size_t offset = header->addr - 0x1000;
        if (write) {
            const Bytes payload = socket.receive(header->size);
            if (payload.size() < header->size) return false;
            const std::lock_guard lock(mutex_);
            std::ranges::copy(payload, memory_.begin() + static_cast<std::ptrdiff_t>(offset));
        }
        if (acknowledged) socket.send(kStatusOk);
        if (!write) socket.send(memory().data() + offset, header->size);
        return true;
    }

    Bytes memory() const {
        const std::lock_guard lock(mutex_);
        return memory_;
    }
    void store(const void* data, std::size_t length) {
        const std::lock_guard lock(mutex_);
        std::memcpy(memory_.data(), data, length);
    }
    std::vector<int> opcodes() const {
        const std::lock_guard lock(mutex_);
        return opcodes_;
    }

    std::atomic<int> connections = 0;

  private:
    static constexpr std::size_t kSize = 4096;

    mutable std::mutex mutex_;
    Bytes memory_ = Bytes(kSize, std::byte{3});
    std::vector<int> opcodes_;
    Script script_;
    FileDescriptor listener_;
    std::jthread thread_;
};

ScriptedPeer::Script keeping(int version) {
    return [version](ScriptedPeer& peer, RawSocket& socket) {
        while (peer.serveOne(socket, version)) {
        }
    };
}

ScriptedPeer::Script closing(int version) {
    return [version](ScriptedPeer& peer, RawSocket& socket) { peer.serveOne(socket, version); };
}

/// A transport with one open peer, and a way to run slices on it.
class Initiator {
  public:
    explicit Initiator(const SegmentDescriptor& descriptor, TcpOptions options = {},
                       const std::string& host = "127.0.0.1") {
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 8);
        EXPECT_TRUE(listener);
        auto transport = TcpTransport::open(std::move(*listener), "initiator", false, options);
        EXPECT_TRUE(transport);
        transport_ = std::move(*transport);
        auto connected = transport_->connect(host, descriptor);
        EXPECT_TRUE(connected);
        peer_ = std::move(*connected);
    }
    ~Initiator() {
        transport_->shutDown();
        peer_.reset();
    }
    Initiator(const Initiator&) = delete;
    Initiator& operator=(const Initiator&) = delete;

    /// The peer has published something new.
    void update(const SegmentDescriptor& descriptor) {
        EXPECT_TRUE(transport_->update(*peer_, "127.0.0.1", descriptor));
    }

    void waitUntilGivenUp() const {
        while (transport_->counters().connections > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }

    /// `count` requests of `length` bytes each, one behind the other.
    std::vector<TaskStatus> run(Opcode opcode, std::size_t count, std::size_t length, int retries = 0) {
        std::vector<Slice> slices(count);
        std::vector<Task> tasks(count);
        Completion& completion = completions_.emplace_back();
        completion.start(static_cast<std::uint32_t>(count));
        for (std::size_t i = 0; i < count; ++i) {
            tasks[i].status = TaskStatus::WAITING;
            tasks[i].slices_left = 1;
            tasks[i].batch = &completion;
            slices[i].opcode = opcode;
            slices[i].retries_left = static_cast<std::uint8_t>(retries);
            slices[i].local = memory.data() + i * length;
            slices[i].remote = 0x1000 + i * length;
            slices[i].length = length;
            if (i < deadlines.size()) slices[i].deadline = SteadyClock::now() + deadlines[i];
            slices[i].peer = peer_.get();
            slices[i].task = &tasks[i];
        }
        transport_->submit(slices);
        transport_->await(completion, SteadyClock::now() + std::chrono::seconds(20));
        EXPECT_TRUE(completion.done());
        std::vector<TaskStatus> statuses;
        unacknowledged = 0;
        for (const Task& task : tasks) {
            statuses.push_back(task.status);
            if (task.unacknowledged) ++unacknowledged;
        }
        return statuses;
    }

    Bytes memory = Bytes(4096);
    int unacknowledged = 0;
    std::vector<std::chrono::milliseconds> deadlines;  ///< Of the first requests of a run; the others have none.

  private:
    std::deque<Completion> completions_;  // They outlive the transport: a late wake-up may look at them.
    std::unique_ptr<TcpTransport> transport_;
    std::unique_ptr<Peer> peer_;
};

const std::vector<TaskStatus> kEightCompleted(8, TaskStatus::COMPLETED);

TEST(Trust, AKeepingVersion2PeerGetsOneConnectionAndAcknowledgedWrites) {
    ScriptedPeer peer(keeping(2));
    {
        Initiator initiator(peer.descriptor(2));
        std::ranges::fill(initiator.memory, std::byte{8});
        EXPECT_EQ(initiator.run(Opcode::Write, 8, 512), kEightCompleted);
        EXPECT_EQ(initiator.unacknowledged, 0);
        EXPECT_EQ(peer.memory(), initiator.memory);
        EXPECT_EQ(initiator.run(Opcode::Read, 8, 512), kEightCompleted);
    }
    EXPECT_EQ(peer.connections, 1);
    EXPECT_EQ(peer.opcodes()[0], 0x80);
    EXPECT_EQ(peer.opcodes()[2], 0x81);
}

TEST(Trust, AClosingVersion1PeerGetsOneRequestPerConnection) {
    ScriptedPeer peer(closing(1));
    Initiator initiator(peer.descriptor(1));
    EXPECT_EQ(initiator.run(Opcode::Read, 8, 512), kEightCompleted);
    EXPECT_EQ(initiator.memory, peer.memory());
    std::ranges::fill(initiator.memory, std::byte{9});
    EXPECT_EQ(initiator.run(Opcode::Write, 8, 512), kEightCompleted);
    EXPECT_EQ(initiator.unacknowledged, 0) << "its close says that the payload was stored";
    EXPECT_EQ(peer.memory(), initiator.memory);
    EXPECT_EQ(peer.connections, 1 + 8 + 8);
}

TEST(Trust, AKeepingVersion1PeerIsPipelinedAndWritesAreFenced) {
    ScriptedPeer peer(keeping(1));
    Initiator initiator(peer.descriptor(1));
    std::ranges::fill(initiator.memory, std::byte{4});
    EXPECT_EQ(initiator.run(Opcode::Write, 8, 512), kEightCompleted);
    EXPECT_EQ(initiator.unacknowledged, 0);
    EXPECT_EQ(peer.memory(), initiator.memory);
    EXPECT_EQ(initiator.run(Opcode::Read, 8, 512), kEightCompleted);
    EXPECT_EQ(peer.connections, 1);
}

TEST(Trust, APeerThatPromisesVersion2AndReadsEverythingIsNeverSentAWriteOfVersion2) {
    for (const auto& script : {keeping(1), closing(1)}) {
        ScriptedPeer peer(script);
        {
            Initiator initiator(peer.descriptor(2));
            std::ranges::fill(initiator.memory, std::byte{5});
            EXPECT_EQ(initiator.run(Opcode::Write, 8, 512), kEightCompleted);
            EXPECT_EQ(peer.memory(), initiator.memory);
        }
        EXPECT_EQ(std::ranges::count(peer.opcodes(), 0x81), 0);
    }
}

TEST(Trust, MemoryThatLooksLikeAStatusFrameFoolsNobody) {
    for (const auto& script : {keeping(1), closing(1)}) {
        ScriptedPeer peer(script);
        const StatusFrame frame = kStatusOk;
        peer.store(&frame, sizeof(frame));
        TcpOptions options;
        options.connect_timeout = std::chrono::seconds(2);
        {
            Initiator initiator(peer.descriptor(2), options);
            EXPECT_EQ(initiator.run(Opcode::Write, 8, 512, 3), kEightCompleted);
            EXPECT_EQ(peer.memory(), initiator.memory);
        }
        EXPECT_EQ(std::ranges::count(peer.opcodes(), 0x81), 0);
    }
}

TEST(Trust, AClosingVersion2PeerIsAskedForStatusOnEveryConnection) {
    ScriptedPeer peer(closing(2));
    Initiator initiator(peer.descriptor(2));
    std::ranges::fill(initiator.memory, std::byte{6});
    EXPECT_EQ(initiator.run(Opcode::Write, 8, 512), kEightCompleted);
    EXPECT_EQ(initiator.unacknowledged, 0);
    EXPECT_EQ(peer.memory(), initiator.memory);
    EXPECT_EQ(peer.connections, 1 + 8);
}

TEST(Trust, WhereNothingCanBeProbedAWriteIsUnacknowledged) {
    ScriptedPeer peer(keeping(1));
    Initiator initiator(peer.descriptor(1));
    initiator.memory[0] = std::byte{77};
    EXPECT_EQ(initiator.run(Opcode::Write, 1, 4)[0], TaskStatus::COMPLETED);
    EXPECT_EQ(initiator.unacknowledged, 0) << "the published buffer is large enough for a probe";

    SegmentDescriptor tiny = peer.descriptor(1);
    tiny.buffers[0].length = 4;
    Initiator blind(tiny);
    EXPECT_EQ(blind.run(Opcode::Write, 1, 4)[0], TaskStatus::COMPLETED);
    EXPECT_EQ(blind.unacknowledged, 1);
}

TEST(Trust, ALostConnectionIsRepairedWithinTheRetries) {
    std::atomic<int> served = 0;
    ScriptedPeer peer([&](ScriptedPeer& self, RawSocket& socket) {
        // Breaks off in the middle of the first real work, then behaves.
        while (served++ != 4 && self.serveOne(socket, 2)) {
        }
    });
    Initiator initiator(peer.descriptor(2));
    EXPECT_EQ(initiator.run(Opcode::Read, 8, 512, 2), kEightCompleted);
    EXPECT_EQ(initiator.memory, peer.memory());
}

TEST(Trust, WithoutRetriesALostConnectionFails) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        for (int i = 0; i < 4 && self.serveOne(socket, 2); ++i) {
        }
    });
    Initiator initiator(peer.descriptor(2));
    const auto statuses = initiator.run(Opcode::Read, 8, 512, 0);
    EXPECT_GE(std::ranges::count(statuses, TaskStatus::FAILED), 6);
}

TEST(Trust, APeerThatFallsSilentEndsAsTimeout) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        self.serveOne(socket, 2);
        self.serveOne(socket, 2);
        socket.receiveHeader();
        socket.send(kStatusOk);
        socket.atEnd();
    });
    TcpOptions options;
    options.status_timeout = std::chrono::milliseconds(200);
    Initiator initiator(peer.descriptor(2), options);
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 512, 5)[0], TaskStatus::TIMEOUT);
}

TEST(Trust, GarbageWhereAStatusBelongsFails) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        self.serveOne(socket, 2);
        self.serveOne(socket, 2);
        socket.receiveHeader();
        socket.send(StatusFrame{0x1234567812345678});
    });
    Initiator initiator(peer.descriptor(2));
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 512)[0], TaskStatus::FAILED);
}

TEST(Trust, ARefusedAddressFailsThatRequestAloneAndIsNotRetried) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        while (const auto header = socket.receiveHeader()) {
            if (header->addr == 0x1000 + 512) {
                socket.send(kStatusRejected);
                return;
            }
            socket.send(kStatusOk);
            socket.send(self.memory().data(), header->size);
        }
    });
    Initiator initiator(peer.descriptor(2));
    const auto statuses = initiator.run(Opcode::Read, 8, 512, 3);
    EXPECT_EQ(statuses[1], TaskStatus::FAILED);
    EXPECT_EQ(std::ranges::count(statuses, TaskStatus::COMPLETED), 7);
}

TEST(Trust, AnAddressThatTheKernelRefusesEndsAsFailed) {
    const ScriptedPeer peer(keeping(2));
    Initiator initiator(peer.descriptor(2), {}, "224.0.0.1");  // No stream goes to a multicast address.
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 512, 3)[0], TaskStatus::FAILED);
}

TEST(Trust, RefusedAddressesCostTheOtherRequestsNoRetry) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        while (const auto header = socket.receiveHeader()) {
            if (header->addr < 0x1000 + 4 * 512) {
                socket.send(kStatusRejected);
                return;
            }
            socket.send(kStatusOk);
            socket.send(self.memory().data(), header->size);
        }
    });
    Initiator initiator(peer.descriptor(2));
    const auto statuses = initiator.run(Opcode::Read, 8, 512, 0);
    EXPECT_EQ(std::ranges::count(statuses, TaskStatus::FAILED), 4);
    EXPECT_EQ(std::ranges::count(statuses, TaskStatus::COMPLETED), 4);
}

TEST(Trust, APeerThatCouldNotBeProbedIsProbedOnceItPublishesMore) {
    ScriptedPeer peer(keeping(2));
    SegmentDescriptor tiny = peer.descriptor(2);
    tiny.buffers[0].length = 4;
    Initiator initiator(tiny);
    EXPECT_EQ(initiator.run(Opcode::Write, 1, 4)[0], TaskStatus::COMPLETED);
    EXPECT_EQ(initiator.unacknowledged, 1);
    initiator.update(peer.descriptor(2));
    EXPECT_EQ(initiator.run(Opcode::Write, 1, 512)[0], TaskStatus::COMPLETED);
    EXPECT_EQ(initiator.unacknowledged, 0);
}

TEST(Trust, ASlowPeerIsNotASilentOne) {
    ScriptedPeer peer([](ScriptedPeer& self, RawSocket& socket) {
        self.serveOne(socket, 2);
        self.serveOne(socket, 2);
        const auto header = socket.receiveHeader();
        if (!header) return;
        socket.send(kStatusOk);
        for (std::size_t sent = 0; sent < header->size; sent += 64) {
            std::this_thread::sleep_for(std::chrono::milliseconds(250));
            socket.send(self.memory().data() + sent, 64);
        }
        socket.atEnd();
    });
    TcpOptions options;
    options.status_timeout = std::chrono::milliseconds(1500);
    Initiator initiator(peer.descriptor(2), options);
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 640)[0], TaskStatus::COMPLETED);
}

TEST(Trust, ARequestWhoseTimeIsOverDoesNotEndTheOthers) {
    std::atomic<bool> stalls = true;
    ScriptedPeer peer([&](ScriptedPeer& self, RawSocket& socket) {
        self.serveOne(socket, 2);
        self.serveOne(socket, 2);
        if (stalls.exchange(false)) {
            while (!socket.receive(1).empty()) {
            }
            return;
        }
        while (self.serveOne(socket, 2)) {
        }
    });
    Initiator initiator(peer.descriptor(2));
    initiator.deadlines = {std::chrono::seconds(3)};
    const auto statuses = initiator.run(Opcode::Read, 3, 512, 2);
    EXPECT_EQ(statuses[0], TaskStatus::TIMEOUT);
    EXPECT_EQ(statuses[1], TaskStatus::COMPLETED);
    EXPECT_EQ(statuses[2], TaskStatus::COMPLETED);
}

TEST(Trust, ANewRequestDoesNotPayForAConnectionThatGotNowhereBefore) {
    std::atomic<bool> stalls = true;
    ScriptedPeer peer([&](ScriptedPeer& self, RawSocket& socket) {
        if (stalls.exchange(false)) {
            socket.atEnd();  // The probe's first byte.
            socket.receive(1 << 20);
            return;
        }
        while (self.serveOne(socket, 2)) {
        }
    });
    TcpOptions options;
    options.connect_timeout = std::chrono::milliseconds(300);
    Initiator initiator(peer.descriptor(2), options);
    initiator.deadlines = {std::chrono::milliseconds(100)};
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 512)[0], TaskStatus::TIMEOUT);
    initiator.waitUntilGivenUp();
    initiator.deadlines.clear();
    EXPECT_EQ(initiator.run(Opcode::Read, 1, 512)[0], TaskStatus::COMPLETED);
}

TEST(Trust, ShuttingDownCancelsWhatIsUnderWay) {
    std::latch asked(1);
    ScriptedPeer peer([&asked](ScriptedPeer& self, RawSocket& socket) {
        self.serveOne(socket, 2);
        self.serveOne(socket, 2);
        socket.receiveHeader();
        asked.count_down();
        socket.atEnd();
    });
    std::vector<Slice> slices(1);
    Task task;
    Completion completion;
    Bytes memory(8);
    auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 8);
    auto transport = TcpTransport::open(std::move(*listener), "initiator", false, {});
    ASSERT_TRUE(transport);
    auto connected = (*transport)->connect("127.0.0.1", peer.descriptor(2));
    ASSERT_TRUE(connected);
    completion.start(1);
    task.slices_left = 1;
    task.batch = &completion;
    slices[0].local = memory.data();
    slices[0].remote = 0x1000;
    slices[0].length = 8;
    slices[0].peer = connected->get();
    slices[0].task = &task;
    (*transport)->submit(slices);
    asked.wait();
    (*transport)->shutDown();
    EXPECT_EQ(task.status, TaskStatus::CANCELED);
    EXPECT_TRUE(completion.done());
    connected->reset();
}

}  // namespace
}  // namespace mc::tcp
