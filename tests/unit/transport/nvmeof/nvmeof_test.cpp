#include <thread>

#include "transport/nvmeof/fixture.h"

namespace mc::nvmeof {
namespace {

using namespace test;
using testing::Each;
using testing::HasSubstr;

Bytes patternBytes(std::size_t length, unsigned seed) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) {
        bytes[i] = static_cast<std::byte>(seed + i * 13 + (i >> 8U));
    }
    return bytes;
}

TEST(Nvmeof, DescribesItsFilesAsMooncakeDoes) {
    const TemporaryFile file("described", 1 << 20);
    const auto transport = openTransport(kAnyPort);
    ASSERT_TRUE(transport->canServe());
    const auto registered = transport->registerFile(7, file.path(), {});
    ASSERT_TRUE(registered) << registered.error().message;
    const SegmentDescriptor descriptor = describe(*transport);
    ASSERT_TRUE(descriptor.nvme_trid);
    EXPECT_EQ(descriptor.nvme_trid->trtype, "tcp");
    EXPECT_EQ(descriptor.nvme_trid->adrfam, "ipv4");
    EXPECT_EQ(descriptor.nvme_trid->traddr, "127.0.0.1");
    EXPECT_NE(descriptor.nvme_trid->trsvcid, "0");
    EXPECT_EQ(descriptor.nvme_trid->subnqn, "nqn.2016-06.io.mc:files.test:1");
    ASSERT_EQ(descriptor.file_buffers.size(), 1U);
    EXPECT_EQ(descriptor.file_buffers[0], (FileBuffer{.id = 7, .path = file.path(), .size = 1 << 20, .align = 0}));
    EXPECT_EQ(decodeSegmentDescriptor(encodeSegmentDescriptor(descriptor)).value().nvme_trid, descriptor.nvme_trid);
    ASSERT_TRUE(transport->unregisterFile(7));
    EXPECT_TRUE(describe(*transport).file_buffers.empty());
    EXPECT_EQ(transport->unregisterFile(7).error().code, ErrorCode::NotFound);
}

TEST(Nvmeof, WithoutATridNoFileIsServed) {
    const TemporaryFile file("unserved", 1 << 20);
    const auto transport = openTransport({});
    EXPECT_FALSE(transport->canServe());
    const auto registered = transport->registerFile(1, file.path(), {});
    ASSERT_FALSE(registered);
    EXPECT_THAT(registered.error().message, HasSubstr("trid"));
    EXPECT_FALSE(NvmeofTransport::open("trtype=rdma adrfam=ipv4 traddr=127.0.0.1 trsvcid=0", "x", {}));
    EXPECT_FALSE(NvmeofTransport::open("trtype=tcp", "x", {}));
}

TEST(Nvmeof, MovesBytesBothWays) {
    const TemporaryFile first("first", 8 << 20);
    const TemporaryFile second("second", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, first.path(), {}));
    ASSERT_TRUE(target->registerFile(2, second.path(), {}));
    NvmeofOptions options;
    options.header_digest = true;
    options.data_digest = true;
    Initiator initiator(describe(*target), options);
    Bytes written = patternBytes(4 << 20, 1);
    Bytes small = patternBytes(1000, 2);
    Bytes read(written.size());
    Bytes untouched(4096);
    EXPECT_THAT(initiator.run({{Opcode::Write, 1, 4096, written}, {Opcode::Write, 2, 4000, small}}),
                Each(TaskStatus::COMPLETED));
    EXPECT_THAT(initiator.run({{Opcode::Read, 1, 4096, read}, {Opcode::Read, 2, 8192, untouched}}),
                Each(TaskStatus::COMPLETED));
    EXPECT_EQ(read, written);
    EXPECT_THAT(untouched, Each(std::byte{0x5a}));
    EXPECT_EQ(std::memcmp(second.content().data() + 4000, small.data(), small.size()), 0);
    EXPECT_EQ(second.content()[3999], '\x5a');
    EXPECT_EQ(second.content()[5000], '\x5a');
    const TransportCounters counters = initiator.transport().counters();
    EXPECT_EQ(counters.bytes_read, read.size() + untouched.size());
    EXPECT_EQ(counters.bytes_written, written.size() + small.size());
    EXPECT_EQ(counters.connections, 1U);
    EXPECT_TRUE(initiator.transport().inspect(initiator.peer()).keeps_connections);
    EXPECT_GE(target->counters().bytes_served, counters.bytes_read + counters.bytes_written);
}

TEST(Nvmeof, ManyThreadsManyRequests) {
    const TemporaryFile file("many", 16 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    Initiator initiator(describe(*target));
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kPieces = 512;
    Bytes written = patternBytes(kThreads * kPieces * 4096, 3);
    Bytes read(written.size());
    const auto work = [&](std::size_t thread, Opcode opcode, Bytes& memory) {
        std::vector<Piece> pieces;
        for (std::size_t i = 0; i < kPieces; ++i) {
            const std::size_t at = (thread * kPieces + i) * 4096;
            pieces.push_back({opcode, 1, at, std::span(memory).subspan(at, 4096)});
        }
        EXPECT_THAT(initiator.run(pieces), Each(TaskStatus::COMPLETED));
    };
    for (const auto& [opcode, memory] : {std::pair{Opcode::Write, &written}, {Opcode::Read, &read}}) {
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&work, thread, opcode, memory] { work(thread, opcode, *memory); });
        }
    }
    EXPECT_EQ(read, written);
}

TEST(Nvmeof, AFileThatIsNotThereFailsAlone) {
    const TemporaryFile file("alone", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(8192);
    const auto ends = initiator.run({{Opcode::Read, 9, 0, std::span(data).first(4096)},
                                     {Opcode::Read, 1, 0, std::span(data).first(4096)},
                                     {Opcode::Read, 1, (1 << 20) - 4096, data}});
    EXPECT_THAT(ends, testing::ElementsAre(TaskStatus::FAILED, TaskStatus::COMPLETED, TaskStatus::FAILED));
}

TEST(Nvmeof, AReadOnlyFileIsNotWritten) {
    const TemporaryFile file("readonly", 1 << 20);
    const auto target = openTransport(kAnyPort);
    LocalFileOptions options;
    options.read_only = true;
    ASSERT_TRUE(target->registerFile(1, file.path(), options));
    Initiator initiator(describe(*target));
    Bytes data(4096, std::byte{1});
    EXPECT_EQ(initiator.runOne({Opcode::Write, 1, 0, data}), TaskStatus::FAILED);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    EXPECT_THAT(data, Each(std::byte{0x5a}));
}

TEST(Nvmeof, AFileRegisteredLaterIsReached) {
    const TemporaryFile first("early", 1 << 20);
    const TemporaryFile second("late", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, first.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    ASSERT_TRUE(target->registerFile(2, second.path(), {}));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 2, 0, data}), TaskStatus::COMPLETED);
    ASSERT_TRUE(target->unregisterFile(1));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::FAILED);
}

TEST(Nvmeof, NobodyThereFailsAfterRetries) {
    const TemporaryFile file("gone", 1 << 20);
    SegmentDescriptor descriptor;
    {
        const auto target = openTransport(kAnyPort);
        ASSERT_TRUE(target->registerFile(1, file.path(), {}));
        descriptor = describe(*target);
    }
    Initiator initiator(descriptor);
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 2), TaskStatus::FAILED);
}

TEST(Nvmeof, ATargetThatMovedIsFollowed) {
    const TemporaryFile file("moved", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}});
    ASSERT_TRUE(initiator.transport().update(initiator.peer(), "", describe(*target)));
    EXPECT_THAT(initiator.finish(*run), Each(TaskStatus::COMPLETED));
}

TEST(Nvmeof, ARequestsTimeEndsWithoutAConnection) {
    const TemporaryFile file("late", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    target.reset();
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}}, 255, 100ms);
    EXPECT_THAT(initiator.finish(*run), Each(TaskStatus::TIMEOUT));
}

TEST(Nvmeof, ShutDownCancelsWhatWaits) {
    const TemporaryFile file("canceled", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFile(1, file.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    target.reset();
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}}, 255);
    initiator.transport().shutDown();
    EXPECT_TRUE(run->completion.done());
    EXPECT_EQ(run->tasks[0].status.load(), TaskStatus::CANCELED);
}

TEST(Nvmeof, ADescriptorThatCantBeReachedNamesWhatIsWrong) {
    const auto transport = openTransport({});
    SegmentDescriptor descriptor;
    descriptor.name = "s";
    EXPECT_THAT(transport->connect("", descriptor).error().message, HasSubstr("nvmeof_generic_trid: missing"));
    descriptor.nvme_trid = NvmeTransportId{"rdma", "ipv4", "127.0.0.1", "4420", "nqn.x"};
    EXPECT_THAT(transport->connect("", descriptor).error().message, HasSubstr("trtype rdma"));
    descriptor.nvme_trid = NvmeTransportId{"tcp", "ipv4", "127.0.0.1", "4420", ""};
    EXPECT_THAT(transport->connect("", descriptor).error().message, HasSubstr("subnqn"));
}

}  // namespace
}  // namespace mc::nvmeof
