#include <thread>

#include "nvme/host/host_fixture.h"
#include "transport/nvmeof/fixture.h"
#include "transport/nvmeof/transport_id.h"

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
    const auto registered = registerFile(*transport, 7, file.path(), {});
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

TEST(Nvmeof, PublishesTheAdvertisedHost) {
    const TemporaryFile file("advertised", 1 << 20);
    const auto publishedFor = [&](const char* bound, const char* advertised) {
        const auto transport = openTransport(bound, {}, nvme::kernel::KernelHost(),
                                             {.name = "files.test:1", .identity = "x", .advertised_host = advertised});
        EXPECT_TRUE(registerFile(*transport, 1, file.path(), {}));
        EXPECT_EQ(transport->fileService()->trid, describe(*transport).nvme_trid);
        EXPECT_NE(transport->fileService()->bound.traddr, advertised);
        return *describe(*transport).nvme_trid;
    };
    constexpr const char* kWildcard = "trtype=tcp adrfam=ipv4 traddr=0.0.0.0 trsvcid=0";
    EXPECT_EQ(publishedFor(kWildcard, "").traddr, "0.0.0.0");
    EXPECT_EQ(publishedFor(kWildcard, "192.0.2.7").traddr, "192.0.2.7");
    EXPECT_NE(publishedFor(kWildcard, "192.0.2.7").trsvcid, "0");
    EXPECT_EQ(publishedFor(kAnyPort, "storage.example").traddr, "storage.example");
    EXPECT_EQ(publishedFor(kAnyPort, "storage.example").adrfam, "ipv4");
    EXPECT_EQ(publishedFor(kAnyPort, "2001:db8::7").adrfam, "ipv6");
}

TEST(Nvmeof, FilesAreServedTogetherOrNotAtAll) {
    const TemporaryFile first("first", 1 << 20), second("second", 8192), third("third", 4096);
    const auto transport = openTransport(kAnyPort);
    const std::vector<FileEntry> twice{{.path = first.path(), .options = {.id = 1}},
                                       {.path = second.path(), .options = {.id = 1}}};
    const auto refused = transport->registerFiles(twice);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(refused.error().message, HasSubstr(second.path()));
    EXPECT_FALSE(transport->fileService());
    EXPECT_TRUE(describe(*transport).file_buffers.empty());

    const std::vector<FileEntry> both{{.path = first.path(), .options = {.id = 1}},
                                      {.path = second.path(), .options = {.id = 2}}};
    const auto served = transport->registerFiles(both);
    ASSERT_TRUE(served) << served.error().message;
    EXPECT_EQ(describe(*transport).file_buffers.size(), 2U);
    const std::vector<FileEntry> more{{.path = third.path(), .options = {.id = 3}},
                                      {.path = third.path(), .options = {.id = 2}}};
    EXPECT_FALSE(transport->registerFiles(more));
    EXPECT_EQ(describe(*transport).file_buffers.size(), 2U);
    Initiator initiator(describe(*transport));
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 2, 0, data}), TaskStatus::COMPLETED);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 3, 0, data}), TaskStatus::FAILED);
}

// What it sees is what a kernel's host would see, which forgets what is missing.
TEST(Nvmeof, AHostThatComesBackToATargetFindsAllFilesAtOnce) {
    constexpr std::size_t kFiles = 64;
    std::deque<TemporaryFile> files;
    std::vector<FileEntry> entries;
    for (std::size_t i = 1; i <= kFiles; ++i) {
        const TemporaryFile& file = files.emplace_back("file" + std::to_string(i), 4096);
        entries.push_back({.path = file.path(), .options = {.id = static_cast<FileBufferID>(i)}});
    }
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(target->registerFiles(entries));
    const NvmeTransportId where = target->fileService()->bound;
    nvme::HostOptions options;
    options.reconnect_delay = 1ms;
    nvme::host::test::Host host(options);
    const auto port = static_cast<std::uint16_t>(std::stoi(where.trsvcid));
    host.connect(port, where.subnqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    for (int round = 0; round < 5; ++round) {
        target->shutDown();
        target.reset();
        ASSERT_TRUE(host.runUntil([&] { return host.state == nvme::HostController::State::Reconnecting; }));
        std::jthread start_again([&] {
            target = openTransport(formatTransportId(where));
            EXPECT_TRUE(target->registerFiles(entries));
        });
        ASSERT_TRUE(host.runUntil([&] { return host.state == nvme::HostController::State::Ready; }));
        EXPECT_EQ(host.controller().namespaces().size(), kFiles);
    }
}

TEST(Nvmeof, WithoutATridNoFileIsServed) {
    const TemporaryFile file("unserved", 1 << 20);
    const auto transport = openTransport({});
    EXPECT_FALSE(transport->canServe());
    const auto registered = registerFile(*transport, 1, file.path(), {});
    ASSERT_FALSE(registered);
    EXPECT_THAT(registered.error().message, HasSubstr("trid"));
    EXPECT_FALSE(NvmeofTransport::open("trtype=rdma adrfam=ipv4 traddr=127.0.0.1 trsvcid=0",
                                       {.name = "x", .identity = "x", .advertised_host = {}}, {}));
    EXPECT_FALSE(NvmeofTransport::open("trtype=tcp", {.name = "x", .identity = "x", .advertised_host = {}}, {}));
}

TEST(Nvmeof, MovesBytesBothWays) {
    const TemporaryFile first("first", 8 << 20);
    const TemporaryFile second("second", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, first.path(), {}));
    ASSERT_TRUE(registerFile(*target, 2, second.path(), {}));
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
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
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

// They go through as many controllers as there are loops.
TEST(Nvmeof, WhatOtherThreadsWriteInTheSameBlockStays) {
    const TemporaryFile file("parts", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    NvmeofOptions options;
    options.workers = 4;
    Initiator initiator(describe(*target), options);
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kPart = 700;
    constexpr std::size_t kPieces = 100;
    Bytes written = patternBytes(kThreads * kPieces * kPart, 3);
    const auto write_every = [&](std::size_t first) {
        std::vector<Piece> pieces;
        for (std::size_t i = 0; i < kPieces; ++i) {
            const std::size_t at = (i * kThreads + first) * kPart;
            pieces.push_back({Opcode::Write, 1, at, std::span(written).subspan(at, kPart)});
        }
        EXPECT_THAT(initiator.run(pieces), Each(TaskStatus::COMPLETED));
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&write_every, thread] { write_every(thread); });
        }
    }
    Bytes read(written.size());
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, read}), TaskStatus::COMPLETED);
    EXPECT_EQ(read, written);
}

TEST(Nvmeof, AFileThatIsNotThereFailsAlone) {
    const TemporaryFile file("alone", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
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
    ASSERT_TRUE(registerFile(*target, 1, file.path(), options));
    Initiator initiator(describe(*target));
    Bytes data(4096, std::byte{1});
    EXPECT_EQ(initiator.runOne({Opcode::Write, 1, 0, data}), TaskStatus::FAILED);
    EXPECT_THAT(initiator.transport().inspect(initiator.peer()).read_only_files, testing::ElementsAre(1U));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    EXPECT_THAT(data, Each(std::byte{0x5a}));
}

TEST(Nvmeof, AFileRegisteredLaterIsReached) {
    const TemporaryFile first("early", 1 << 20);
    const TemporaryFile second("late", 1 << 20);
    const auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, first.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    ASSERT_TRUE(registerFile(*target, 2, second.path(), {}));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 2, 0, data}), TaskStatus::COMPLETED);
    ASSERT_TRUE(target->unregisterFile(1));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::FAILED);
}

TEST(Nvmeof, NobodyThereFailsAfterRetries) {
    const TemporaryFile file("gone", 1 << 20);
    SegmentDescriptor descriptor;
    {
        const auto target = openTransport(kAnyPort);
        ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
        descriptor = describe(*target);
    }
    Initiator initiator(descriptor);
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 2), TaskStatus::FAILED);
}

TEST(Nvmeof, ATargetThatMovedIsFollowed) {
    const TemporaryFile file("moved", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    Initiator initiator(describe(*target));
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}});
    ASSERT_TRUE(initiator.transport().update(initiator.peer(), "", describe(*target)));
    EXPECT_THAT(initiator.finish(*run), Each(TaskStatus::COMPLETED));
}

TEST(Nvmeof, AnotherFileUnderANumberIsUsedOnlyOnceItIsPublished) {
    const TemporaryFile first("first", 1 << 20), other("other", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, first.path(), {}));
    NvmeofOptions options;
    options.loss_timeout = 0ms;  // A new controller each time: what was there is known all the same.
    Initiator initiator(describe(*target), options);
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    EXPECT_FALSE(initiator.transport().inspect(initiator.peer()).refusal);
    const std::string where = formatTransportId(target->fileService()->bound);
    target.reset();
    target = openTransport(where);
    ASSERT_TRUE(registerFile(*target, 1, other.path(), {}));
    const Bytes untouched(4096, std::byte{0xee});
    data = untouched;
    {
        std::vector<std::jthread> threads;  // Each has a lane of its own, as far as there are loops.
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                Bytes own = untouched;
                EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, own}), TaskStatus::FAILED);
                EXPECT_EQ(own, untouched);
            });
        }
    }
    EXPECT_EQ(initiator.runOne({Opcode::Write, 1, 0, data}), TaskStatus::FAILED);
    EXPECT_EQ(other.content(), std::string(1 << 20, '\x5a'));
    const auto refusal = initiator.transport().inspect(initiator.peer()).refusal;
    ASSERT_TRUE(refusal);
    EXPECT_THAT(refusal->message, HasSubstr("namespace 1 is another one now"));

    ASSERT_TRUE(initiator.transport().update(initiator.peer(), "", describe(*target)));
    EXPECT_EQ(initiator.runOne({Opcode::Write, 1, 0, data}), TaskStatus::COMPLETED);
    EXPECT_EQ(other.content().substr(0, 4096), std::string(4096, '\xee'));
}

TEST(Nvmeof, ARequestsTimeEndsWithoutAConnection) {
    const TemporaryFile file("late", 1 << 20);
    auto target = openTransport(kAnyPort);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
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
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
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
