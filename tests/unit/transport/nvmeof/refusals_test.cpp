// Requests that a controller refuses: for good, or not.
#include <atomic>

#include "nvme/host/scripted_target.h"
#include "transport/nvmeof/fixture.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {
namespace {

using namespace test;
using nvme::host::test::PduSocket;
using nvme::host::test::ScriptedTarget;

constexpr std::uint16_t kDoNotRetry = 0x4000;

SegmentDescriptor descriptorOf(const ScriptedTarget& target) {
    SegmentDescriptor descriptor;
    descriptor.name = "scripted";
    descriptor.protocols = {"nvmeof_generic"};
    descriptor.nvme_trid = NvmeTransportId{"tcp", "ipv4", "127.0.0.1", std::to_string(target.port()), "nqn.test"};
    descriptor.file_buffers = {{.id = 1, .path = "/f", .size = 1 << 20, .align = 0}};
    return descriptor;
}

/// Refuses the first `refusals` reads with `status`, and answers those after them.
struct RefusingTarget {
    RefusingTarget(int refusals, std::uint16_t status)
        : target([this, refusals, status](PduSocket& socket) {
              while (const auto command = socket.receiveCommand()) {
                  if (command->opcode != nvme_cmd_read) {
                      socket.answer(command->command_id);
                  } else if (++reads <= refusals) {
                      socket.answer(command->command_id, 0, status);
                  } else {
                      socket.sendData(command->command_id, 0, Bytes(4096, std::byte{0x5a}));
                  }
              }
          }) {}
    std::atomic<int> reads = 0;
    ScriptedTarget target;
};

TEST(NvmeofRefusals, WithoutDoNotRetryItIsTriedAgain) {
    RefusingTarget refusing(2, NVME_SC_NS_NOT_READY);
    Initiator initiator(descriptorOf(refusing.target));
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 3), TaskStatus::COMPLETED);
    EXPECT_EQ(refusing.reads, 3);
    EXPECT_THAT(data, testing::Each(std::byte{0x5a}));
}

TEST(NvmeofRefusals, AsOftenAsTheRequestAllows) {
    RefusingTarget refusing(1000, NVME_SC_NS_NOT_READY);
    Initiator initiator(descriptorOf(refusing.target));
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 2), TaskStatus::FAILED);
    EXPECT_EQ(refusing.reads, 3);
}

TEST(NvmeofRefusals, UntilItsTimeIsOver) {
    RefusingTarget refusing(1000, NVME_SC_NS_NOT_READY);
    Initiator initiator(descriptorOf(refusing.target));
    Bytes data(4096);
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}}, 255, 500ms);
    EXPECT_THAT(initiator.finish(*run), testing::ElementsAre(TaskStatus::TIMEOUT));
    EXPECT_LT(refusing.reads, 20);  // Later and later.
}

TEST(NvmeofRefusals, DoNotRetryIsObeyed) {
    RefusingTarget refusing(1000, NVME_SC_LBA_RANGE | kDoNotRetry);
    Initiator initiator(descriptorOf(refusing.target));
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 3), TaskStatus::FAILED);
    EXPECT_EQ(refusing.reads, 1);
    const PeerInfo info = initiator.transport().inspect(initiator.peer());
    ASSERT_TRUE(info.problem);
    EXPECT_EQ(info.problem->message, "nqn.test: a request to file 1 was refused with status 0x80 (LBA out of range)");
    EXPECT_THAT(info.problem->hint, testing::HasSubstr("shorter at the target"));
}

TEST(NvmeofRefusals, AHostThatIsNotLetInIsToldAtOnce) {
    const TemporaryFile file("closed", 1 << 20);
    NvmeofOptions options;
    options.hosts = {{.nqn = "nqn.2024-01.test:friend", .key = {}, .controller_key = {}}};
    const auto target = openTransport(kAnyPort, options);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    options.self.nqn = "nqn.2024-01.test:stranger";
    Initiator initiator(describe(*target), options);
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 255), TaskStatus::FAILED);
    EXPECT_EQ(target->fileService()->commands, 1U) << "it has tried again";
    const auto refusal = initiator.transport().inspect(initiator.peer()).refusal;
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, ErrorCode::NotPermitted);
    EXPECT_THAT(refusal->message, testing::HasSubstr("does not admit this host"));
}

TEST(NvmeofRefusals, ATargetThatLetsItInNoLongerIsGivenUp) {
    const TemporaryFile file("closing", 1 << 20);
    NvmeofOptions options;
    auto target = openTransport(kAnyPort, options);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    const SegmentDescriptor descriptor = describe(*target);
    const std::string where = formatTransportId(*descriptor.nvme_trid);
    Initiator initiator(descriptor, options);
    Bytes data(4096);
    ASSERT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    target.reset();
    options.hosts = {{.nqn = "nqn.2024-01.test:friend", .key = {}, .controller_key = {}}};
    target = openTransport(where, options);
    ASSERT_TRUE(registerFile(*target, 1, file.path(), {}));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 255), TaskStatus::FAILED);
    EXPECT_TRUE(initiator.transport().inspect(initiator.peer()).refusal);
}

TEST(NvmeofRefusals, ShutDownCancelsWhatIsToBeTriedAgain) {
    RefusingTarget refusing(1000, NVME_SC_NS_NOT_READY);
    Initiator initiator(descriptorOf(refusing.target));
    Bytes data(4096);
    const auto run = initiator.start({{Opcode::Read, 1, 0, data}}, 255);
    while (refusing.reads < 2) {
        std::this_thread::sleep_for(1ms);
    }
    initiator.transport().shutDown();
    EXPECT_THAT(initiator.finish(*run), testing::ElementsAre(TaskStatus::CANCELED));
}

}  // namespace
}  // namespace mc::nvmeof
