#include <nvme/types.h>
#include <poll.h>

#include <chrono>
#include <functional>
#include <thread>

#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::HostDigests;
using test::pattern;
using test::TestHost;

Bytes beginning(Bytes bytes, std::size_t length) {
    bytes.resize(length);
    return bytes;
}

class NvmeTargetHostile : public test::TargetFixture {
  protected:
    void SetUp() override { prepare({}); }
    void prepare(const TargetOptions& options) {
        bystander_.reset();
        admin_.reset();
        target_.reset();
        start(options);
        addMemory(1);
        admin_.emplace(connectAdmin());
        bystander_.emplace(connectQueue(64));
    }
    void TearDown() override {
        if (bystander_) {
            EXPECT_EQ(bystander_->run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0) << "is not touched";
        }
    }
    /// The termination request for that reason, then the end.
    static void expectTermination(TestHost& host, std::uint16_t status, std::uint32_t information) {
        for (;;) {
            const auto pdu = host.receive();
            ASSERT_TRUE(pdu) << "no termination request";
            if (pdu->type() != PduType::ControllerToHostTerminate) continue;
            const auto terminate = pdu->as<Terminate>();
            EXPECT_EQ(terminate.status, status);
            EXPECT_EQ(terminate.information(), information);
            EXPECT_LE(pdu->data.size(), kMaxTerminateData);
            break;
        }
        EXPECT_TRUE(host.atEnd());
    }
    /// Sends `entry` with data that have to be asked for, and returns the R2T.
    ReadyToTransfer askedFor(TestHost& host, std::uint32_t blocks = 16) {
        SubmissionEntry entry = transfer(nvme_cmd_write, 0, blocks);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = host.nextCommandId();
        entry.data = {.length = blocks * 4096, .type = SglDescriptor::kTransport};
        host.send(entry);
        const auto pdu = host.receive();
        EXPECT_TRUE(pdu && pdu->type() == PduType::ReadyToTransfer);
        return pdu ? pdu->as<ReadyToTransfer>() : ReadyToTransfer{};
    }
    SubmissionEntry readOne(std::uint16_t command_id) {
        SubmissionEntry entry = transfer(nvme_cmd_read, 0, 1);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = command_id;
        entry.data = {.length = 4096, .type = SglDescriptor::kTransport};
        return entry;
    }

    std::optional<TestHost> admin_;
    std::optional<TestHost> bystander_;
};

TEST_F(NvmeTargetHostile, FirstPdu) {
    struct Case {
        std::function<void(InitializeConnection&)> change;
        std::uint16_t status;
        std::uint32_t field;
    };
    const InitializeConnection good{.header = {.type = PduType::InitializeConnectionRequest,
                                               .header_length = sizeof(InitializeConnection),
                                               .length = sizeof(InitializeConnection)}};
    const std::vector<Case> cases{
        {[](auto& pdu) { pdu.version = 1; }, fatal::kUnsupportedParameter, 8},
        {[](auto& pdu) { pdu.data_alignment = 32; }, fatal::kInvalidPduHeaderField, 10},
        {[](auto& pdu) { pdu.header.flags = 1; }, fatal::kInvalidPduHeaderField, 1},
        {[](auto& pdu) { pdu.header.header_length = 8; }, fatal::kInvalidPduHeaderField, 2},
        {[](auto& pdu) { pdu.header.data_offset = 128; }, fatal::kInvalidPduHeaderField, 3},
        {[](auto& pdu) { pdu.header.length = 0xffffffff; }, fatal::kInvalidPduHeaderField, 4},
        {[](auto& pdu) { pdu.header.length = 8; }, fatal::kInvalidPduHeaderField, 4},
        {[](auto& pdu) { pdu.header.type = PduType::InitializeConnectionResponse; }, fatal::kInvalidPduHeaderField, 0},
        {[](auto& pdu) { pdu.header.type = static_cast<PduType>(0xff); }, fatal::kInvalidPduHeaderField, 0},
    };
    for (const auto& each : cases) {
        InitializeConnection pdu = good;
        each.change(pdu);
        TestHost host(target_->port());
        host.sendBytes(test::bytesOf(pdu));
        expectTermination(host, each.status, each.field);
    }
    EXPECT_EQ(target_->counters().protocol_errors, cases.size());
}

TEST_F(NvmeTargetHostile, PdusOutOfOrder) {
    TestHost capsule_first(target_->port());
    capsule_first.send(readOne(1));
    expectTermination(capsule_first, fatal::kPduSequenceError, 0);
    TestHost twice(target_->port());
    twice.initialize();
    twice.sendBytes(test::bytesOf(InitializeConnection{.header = {.type = PduType::InitializeConnectionRequest,
                                                                  .header_length = sizeof(InitializeConnection),
                                                                  .length = sizeof(InitializeConnection)}}));
    expectTermination(twice, fatal::kPduSequenceError, 0);
    TestHost pipelined(target_->port());
    pipelined.initialize();
    // A second command before Connect has been answered.
    const ConnectCommand connect{.command_id = 1,
                                 .data = {.length = sizeof(ConnectData), .type = SglDescriptor::kTransport}};
    pipelined.send(std::bit_cast<SubmissionEntry>(connect));
    pipelined.send(std::bit_cast<SubmissionEntry>(connect));
    expectTermination(pipelined, fatal::kPduSequenceError, 0);
}

TEST_F(NvmeTargetHostile, HeadersOfCapsules) {
    struct Case {
        std::function<void(PduHeader&)> change;
        std::uint16_t status;
        std::uint32_t field;
    };
    const std::vector<Case> cases{
        {[](auto& header) { header.flags |= 0x80; }, fatal::kInvalidPduHeaderField, 1},
        {[](auto& header) { header.flags |= pdu_flag::kHeaderDigest; }, fatal::kInvalidPduHeaderField, 1},
        {[](auto& header) { header.flags |= pdu_flag::kDataDigest; }, fatal::kInvalidPduHeaderField, 1},
        {[](auto& header) { header.header_length = 71; }, fatal::kInvalidPduHeaderField, 2},
        {[](auto& header) { header.data_offset = 71; }, fatal::kInvalidPduHeaderField, 3},
        {[](auto& header) { header.data_offset = 74; }, fatal::kInvalidPduHeaderField, 3},
        {[](auto& header) { header.length = 71; }, fatal::kInvalidPduHeaderField, 4},
        {[](auto& header) { header.length = 72 + 8192 + 4; }, fatal::kDataTransferLimitExceeded, 4},
        {[](auto& header) { header.length = 0xfffffff0; }, fatal::kDataTransferLimitExceeded, 4},
        {[](auto& header) {
             header.data_offset = 252;
             header.length = 200;
         },
         fatal::kInvalidPduHeaderField, 4},
    };
    std::uint16_t queue_id = 1;
    for (const auto& each : cases) {
        TestHost host = connectQueue(queue_id++);
        Bytes pdu = host.makeCapsule(transfer(nvme_cmd_write, 0, 1), Bytes(4096));
        auto header = test::read<PduHeader>(pdu);
        each.change(header);
        std::memcpy(pdu.data(), &header, sizeof(header));
        host.sendBytes(pdu);
        expectTermination(host, each.status, each.field);
    }
}

TEST_F(NvmeTargetHostile, DataThatNobodyAskedFor) {
    struct Case {
        std::function<void(DataPdu&)> change;
        std::uint16_t status;
        std::uint32_t field;
    };
    constexpr std::uint32_t kOf = 4096;
    const std::vector<Case> cases{
        {[](auto& pdu) { pdu.transfer_tag ^= 1; }, fatal::kInvalidPduHeaderField, 10},
        {[](auto& pdu) { pdu.transfer_tag = 0xffff; }, fatal::kInvalidPduHeaderField, 10},
        {[](auto& pdu) { pdu.command_id ^= 1; }, fatal::kInvalidPduHeaderField, 8},
        {[](auto& pdu) { pdu.data_offset = kOf; }, fatal::kDataTransferOutOfRange, 0},
        {[](auto& pdu) { pdu.data_offset = 0xfffff000; }, fatal::kDataTransferOutOfRange, 0},
        {[](auto& pdu) { pdu.data_length = 0xffffffff; }, fatal::kDataTransferOutOfRange, 0},
        {[](auto& pdu) { pdu.data_length = kOf - 4; }, fatal::kInvalidPduHeaderField, 16},
        {[](auto& pdu) { pdu.data_length = 0; }, fatal::kInvalidPduHeaderField, 16},
        {[](auto& pdu) { pdu.header.flags |= pdu_flag::kLastPdu; }, fatal::kInvalidPduHeaderField, 1},
    };
    std::uint16_t queue_id = 1;
    for (const auto& each : cases) {
        TestHost host = connectQueue(queue_id++);
        const auto wanted = askedFor(host);
        Bytes pdu = host.makeData(wanted, Bytes(kOf), 0, false);
        auto head = test::read<DataPdu>(pdu);
        each.change(head);
        std::memcpy(pdu.data(), &head, sizeof(head));
        host.sendBytes(pdu);
        expectTermination(host, each.status, each.field);
    }
    TestHost too_much = connectQueue(queue_id++);
    const auto wanted = askedFor(too_much, 1);
    too_much.sendBytes(too_much.makeData(wanted, Bytes(8192), 0, true));
    expectTermination(too_much, fatal::kDataTransferOutOfRange, 0);
    TestHost after_the_end = connectQueue(queue_id++);
    const auto first = askedFor(after_the_end, 1);
    after_the_end.sendData(first, Bytes(4096), 4096);
    after_the_end.sendBytes(after_the_end.makeData(first, Bytes(4096), 0, true));
    expectTermination(after_the_end, fatal::kInvalidPduHeaderField, 10);
    TestHost unfinished = connectQueue(queue_id++);
    const auto last = askedFor(unfinished, 1);
    unfinished.sendBytes(unfinished.makeData(last, Bytes(4096), 0, false));
    expectTermination(unfinished, fatal::kInvalidPduHeaderField, 1);
}

TEST_F(NvmeTargetHostile, DigestsThatDoNotFit) {
    TestHost host = connectQueue(1, {.header = true, .data = true});
    Bytes damaged =
        host.makeCapsule({.opcode = nvme_cmd_write, .flags = SubmissionEntry::kUsesSgl, .command_id = 9, .nsid = 1},
                         Bytes(4096, std::byte{7}));
    damaged.back() ^= std::byte{1};
    host.sendBytes(damaged);
    const auto answer = host.await(9);
    EXPECT_EQ(answer.status(), NVME_SC_TRAN_TPORT_ERROR) << "the host is to try again";
    EXPECT_EQ(host.run(transfer(nvme_cmd_read, 0, 1), 4096).data, Bytes(4096)) << "nothing was written";

    const auto wanted = askedFor(host, 2);
    Bytes data = host.makeData(wanted, Bytes(4096, std::byte{7}), 0, false);
    data.back() ^= std::byte{1};
    host.sendBytes(data);
    host.sendBytes(host.makeData(wanted, Bytes(4096, std::byte{7}), 4096, true));
    EXPECT_EQ(host.await(wanted.command_id).status(), NVME_SC_TRAN_TPORT_ERROR);
    EXPECT_EQ(host.run(transfer(nvme_cmd_read, 0, 2), 8192).data, Bytes(8192));

    Bytes header = host.makeCapsule(readOne(11));
    const auto received = test::read<std::uint32_t>(header, 72) ^ 1U;
    header[72] ^= std::byte{1};
    host.sendBytes(header);
    expectTermination(host, fatal::kHeaderDigestError, received);
}

TEST_F(NvmeTargetHostile, CommandIdentifiersThatAreInUse) {
    TestHost host = connectQueue(1);
    const auto wanted = askedFor(host, 1);
    host.send(readOne(wanted.command_id));
    EXPECT_EQ(host.await(wanted.command_id).code(), NVME_SC_CMDID_CONFLICT);
    host.sendData(wanted, Bytes(4096), 4096);
    EXPECT_EQ(host.await(wanted.command_id).status(), 0) << "the one that was there goes on";
    host.send(readOne(wanted.command_id));
    EXPECT_EQ(host.await(wanted.command_id).status(), 0) << "it is free again";
}

TEST_F(NvmeTargetHostile, MoreCommandsThanEntries) {
    TestHost host = connectQueue(1);
    std::vector<ReadyToTransfer> waiting;
    for (int i = 0; i < 128; ++i) {
        waiting.push_back(askedFor(host, 1));
    }
    host.send(readOne(1000));
    expectTermination(host, fatal::kPduSequenceError, 0);
}

TEST_F(NvmeTargetHostile, TerminationByTheHost) {
    TestHost host = connectQueue(1);
    host.sendBytes(test::bytesOf(Terminate{.header = {.type = PduType::HostToControllerTerminate,
                                                      .header_length = sizeof(Terminate),
                                                      .length = sizeof(Terminate)},
                                           .status = fatal::kPduSequenceError}));
    EXPECT_TRUE(host.atEnd());
}

TEST_F(NvmeTargetHostile, HostsThatStopInTheMiddle) {
    prepare({.stall_timeout = std::chrono::milliseconds(1500)});
    TestHost within_header = connectQueue(1);
    within_header.sendBytes(beginning(within_header.makeCapsule(readOne(1)), 20));
    TestHost within_data = connectQueue(2);
    SubmissionEntry write = transfer(nvme_cmd_write, 0, 1);
    write.flags = SubmissionEntry::kUsesSgl;
    within_data.sendBytes(beginning(within_data.makeCapsule(write, Bytes(4096)), 1000));
    TestHost never_answers = connectQueue(3);
    askedFor(never_answers);
    TestHost busy = connectQueue(4);  // Which only leaves one of its commands alone.
    askedFor(busy);
    TestHost does_not_read = connectQueue(5);
    for (std::uint16_t i = 0; i < 128; ++i) {
        SubmissionEntry entry = transfer(nvme_cmd_read, 0, 256);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = i;
        entry.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
        does_not_read.send(entry);
    }
    bool ended = false;
    for (std::uint16_t i = 1000; !ended; ++i) {
        const Bytes capsule = busy.makeCapsule(readOne(i));
        ended = ::send(busy.descriptor().get(), capsule.data(), capsule.size(), MSG_NOSIGNAL) < 0 ||
                busy.receiveBytes(24 + 4096 + 24).empty();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_TRUE(within_header.atEnd());
    EXPECT_TRUE(within_data.atEnd());
    EXPECT_TRUE(never_answers.atEnd());
    while (target_->counters().connections > 2) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    TestHost idle = connectQueue(6);
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(idle.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0) << "who asks for nothing may stay";
}

TEST_F(NvmeTargetHostile, HalfOpenConnections) {
    TestHost host = connectQueue(1);
    host.shutDown();
    EXPECT_TRUE(host.atEnd());
    TestHost early(target_->port());
    early.shutDown();
    EXPECT_TRUE(early.atEnd());
    TestHost within = connectQueue(2);
    const auto wanted = askedFor(within);
    within.sendBytes(beginning(within.makeData(wanted, Bytes(4096), 0, false), 100));
    within.close();
    while (target_->counters().connections > 2) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

TEST_F(NvmeTargetHostile, BytesThatComeOneByOne) {
    TestHost host = connectQueue(1, {.header = true, .data = true});
    const Bytes data = pattern(4096);
    Bytes stream = host.makeCapsule(
        {.opcode = nvme_cmd_write, .flags = SubmissionEntry::kUsesSgl, .command_id = 1, .nsid = 1}, data);
    for (const std::byte byte : std::span(stream)) {
        host.sendBytes({&byte, 1});
    }
    EXPECT_EQ(host.await(1).status(), 0);
    EXPECT_EQ(host.run(transfer(nvme_cmd_read, 0, 1), 4096).data, data);
}

TEST_F(NvmeTargetHostile, ARefusedWriteIsAnsweredWhenItsDataHaveCome) {
    for (const bool digests : {false, true}) {
        TestHost host = connectQueue(digests ? 2 : 1, {.header = digests, .data = digests});
        const Bytes stream = host.makeCapsule(
            {.opcode = nvme_cmd_write, .flags = SubmissionEntry::kUsesSgl, .command_id = 1, .nsid = 9}, pattern(4096));
        const auto last = std::span(stream).last(100);
        host.sendBytes(std::span(stream).first(stream.size() - last.size()));
        pollfd answer{host.descriptor().get(), POLLIN, 0};
        EXPECT_EQ(::poll(&answer, 1, 50), 0);
        host.sendBytes(last);
        EXPECT_EQ(host.await(1).code(), NVME_SC_INVALID_NS);
        EXPECT_EQ(host.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
    }
}

TEST_F(NvmeTargetHostile, BuffersAreSharedByMoreThanTheyAre) {
    // Data digests need buffers: 70 transfers of 1 MiB are more than a loop has.
    prepare({.threads = 1});
    std::vector<TestHost> hosts;
    std::vector<std::vector<std::uint16_t>> commands(2);
    for (std::uint16_t i = 0; i < 2; ++i) {
        hosts.push_back(connectQueue(static_cast<std::uint16_t>(i + 1), {.header = false, .data = true}));
        for (int j = 0; j < 40; ++j) {
            SubmissionEntry entry = transfer(nvme_cmd_write, 0, 256);
            entry.flags = SubmissionEntry::kUsesSgl;
            entry.command_id = hosts[i].nextCommandId();
            entry.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
            hosts[i].send(entry);
            commands[i].push_back(entry.command_id);
        }
    }
    const Bytes data = pattern(1 << 20);
    std::size_t completed = 0;
    // One host after the other, so that the second waits for what the first holds.
    for (auto& host : hosts) {
        for (std::size_t own = 0; own < 40;) {
            const auto pdu = host.receive();
            ASSERT_TRUE(pdu);
            if (pdu->type() == PduType::ReadyToTransfer) {
                host.sendData(pdu->as<ReadyToTransfer>(), data, 1 << 20);
            } else {
                EXPECT_EQ(pdu->as<CapsuleResponse>().completion.status, 0);
                ++own;
                ++completed;
            }
        }
    }
    EXPECT_EQ(completed, 80U);
}

/// With buffers for all data (data digests need them), and hosts that want as many as they can get.
class NvmeTargetHoarders : public NvmeTargetHostile {
  protected:
    static constexpr HostDigests kDigests{.header = false, .data = true};

    void SetUp() override { prepare({.threads = 1, .stall_timeout = std::chrono::milliseconds(1500)}); }
    /// Sends 100 writes of 1 MiB, and reads no R2T.
    TestHost hoarder(std::uint16_t queue_id) {
        TestHost host = connectQueue(queue_id, kDigests);
        for (int i = 0; i < 100; ++i) {
            SubmissionEntry entry = transfer(nvme_cmd_write, 0, 256);
            entry.flags = SubmissionEntry::kUsesSgl;
            entry.command_id = host.nextCommandId();
            entry.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
            host.send(entry);
        }
        return host;
    }
    /// A byte of the first command's data at a time. False: the connection is over.
    static bool trickle(TestHost& host, const ReadyToTransfer& wanted, std::uint32_t at) {
        const Bytes pdu = host.makeData(wanted, Bytes(1), at, false);
        return ::send(host.descriptor().get(), pdu.data(), pdu.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(pdu.size());
    }
};

TEST_F(NvmeTargetHoarders, LeaveRoomForOthers) {
    prepare({.threads = 1, .stall_timeout = std::chrono::minutes(10)});
    std::vector<TestHost> hoarders;
    for (std::uint16_t i = 1; i <= 3; ++i) {
        hoarders.push_back(hoarder(i));
        ASSERT_TRUE(hoarders.back().receive());
    }
    TestHost other = connectQueue(4, kDigests);
    const Bytes data = pattern(1 << 20);
    EXPECT_EQ(other.runAsked(transfer(nvme_cmd_write, 0, 256), data).status(), 0);
    EXPECT_EQ(other.run(transfer(nvme_cmd_read, 0, 256), 1 << 20).data, data);
}

TEST_F(NvmeTargetHoarders, AreEndedThoughTheyTrickleWhileOthersWait) {
    std::vector<TestHost> hoarders;
    std::vector<ReadyToTransfer> wanted;
    for (std::uint16_t i = 1; i <= 12; ++i) {  // More than enough for all that there is.
        hoarders.push_back(hoarder(i));
        if (i > 1) continue;
        const auto pdu = hoarders.back().receive();
        ASSERT_TRUE(pdu);
        wanted.push_back(pdu->as<ReadyToTransfer>());
    }
    std::jthread trickling([&](const std::stop_token& stop) {
        for (std::uint32_t at = 0; !stop.stop_requested() && trickle(hoarders[0], wanted[0], at); ++at) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    });
    TestHost other = connectQueue(20, kDigests);
    const Bytes data = pattern(1 << 20);
    EXPECT_EQ(other.runAsked(transfer(nvme_cmd_write, 0, 256), data).status(), 0);
    trickling.join();  // Its connection has ended, too.
    EXPECT_EQ(other.run(transfer(nvme_cmd_read, 0, 256), 1 << 20).data, data);
}

TEST_F(NvmeTargetHoarders, OneThatIsAloneMayTrickle) {
    TestHost host = connectQueue(1, kDigests);
    const Bytes data = pattern(65536);
    const auto wanted = askedFor(host);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(3000);
    std::uint32_t at = 0;
    for (; std::chrono::steady_clock::now() < end; ++at) {
        host.sendBytes(host.makeData(wanted, std::span(data).subspan(at, 1), at, false));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    host.sendBytes(host.makeData(wanted, std::span(data).subspan(at), at, true));
    EXPECT_EQ(host.await(wanted.command_id).status(), 0);
}

}  // namespace
}  // namespace mc::nvme
