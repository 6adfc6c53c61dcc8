#include <nvme/types.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "target/fixture.h"
#include "target/held_device.h"

namespace mc::nvme {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::HeldDevice;
using test::TestHost;

class NvmeTargetStatus : public test::TargetFixture {
  protected:
    // With a machine's other work, too, loops that nothing holds up answer in time.
    static constexpr std::chrono::milliseconds kPatient = 10min;
    static constexpr const char* kHost = "nqn.2024-01.test:host";  // Unless it says otherwise.

    std::optional<FileHostLoad> loadOf(const std::string& host_nqn) {
        for (const ControllerStatus& controller : target_->controllers()) {
            if (controller.host_nqn == host_nqn) return controller.load;
        }
        ADD_FAILURE() << "no controller of " << host_nqn;
        return std::nullopt;
    }
    // Asks until it is as wanted, which it becomes: what a host sends takes its time.
    template <typename Wanted>
    FileHostLoad await(const std::string& host_nqn, Wanted wanted) {
        for (;;) {
            if (const auto load = loadOf(host_nqn); !load || wanted(*load)) return load.value_or(FileHostLoad{});
        }
    }
    static void begin(TestHost& host, SubmissionEntry entry, std::uint16_t id) {
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = id;
        entry.data = {.length = ((entry.cdw12 & 0xffffU) + 1) * 4096, .type = SglDescriptor::kTransport};
        host.send(entry);
    }
    static void awaitBegun(const HeldDevice& device) {
        while (device.begun == 0) {
            std::this_thread::yield();
        }
    }
};

TEST_F(NvmeTargetStatus, OfAHostThatAsksForNothing) {
    start({.status_timeout = kPatient});
    addMemory(1);
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
    admin.send({.opcode = nvme_admin_async_event, .flags = SubmissionEntry::kUsesSgl, .command_id = 3});
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).status(), 0);
    const auto load = await(kHost, [](const FileHostLoad& now) { return now.unacknowledged_bytes == 0; });
    EXPECT_GT(load.round_trip.count(), 0);
    EXPECT_EQ(load.unsent_bytes, 0U);
    EXPECT_EQ(load.queued_bytes, 0U);
    EXPECT_EQ(load.commands, 0U) << "event requests wait all the time";
}

TEST_F(NvmeTargetStatus, OfCommandsThatWaitForADisk) {
    start({.status_timeout = kPatient});
    const auto device = std::make_shared<HeldDevice>();
    ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 1, .device = device}));
    TestHost idle_admin = connectAdmin({.host_nqn = "nqn.idle"});
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    for (std::uint16_t id = 0; id < 3; ++id)
        begin(queue, transfer(nvme_cmd_read, 0, 1), id);
    const auto load = await(kHost, [](const FileHostLoad& now) { return now.commands == 3; });
    EXPECT_EQ(load.on_device, 3U);
    EXPECT_EQ(load.awaiting_data, 0U);
    EXPECT_EQ(load.sending, 0U);
    EXPECT_EQ(loadOf("nqn.idle")->commands, 0U);
    device->letGo();
    for (int completed = 0; completed < 3;) {  // In any order.
        const auto pdu = queue.receive();
        ASSERT_TRUE(pdu);
        if (pdu->type() == PduType::CapsuleResponse) ++completed;
    }
    EXPECT_EQ(await(kHost, [](const FileHostLoad& now) { return now.commands == 0; }).on_device, 0U);
}

TEST_F(NvmeTargetStatus, OfHostsThatHaveNotSentTheirDataYetOnQueuesOfSeveralLoops) {
    constexpr std::uint16_t kQueues = 4;
    start({.threads = 3, .status_timeout = kPatient});
    addMemory(1);
    TestHost admin = connectAdmin();
    std::vector<TestHost> queues;
    for (std::uint16_t id = 1; id <= kQueues; ++id)
        queues.push_back(connectQueue(id));
    std::vector<ReadyToTransfer> wanted;
    for (TestHost& queue : queues) {
        begin(queue, transfer(nvme_cmd_write, 0, 16), 7);
        const auto asked = queue.receive();
        ASSERT_TRUE(asked);
        ASSERT_EQ(asked->type(), PduType::ReadyToTransfer);
        wanted.push_back(asked->as<ReadyToTransfer>());
    }
    const auto load = loadOf(kHost);
    ASSERT_TRUE(load);
    EXPECT_EQ(load->commands, kQueues);
    EXPECT_EQ(load->awaiting_data, kQueues);
    EXPECT_EQ(load->on_device, 0U);
    EXPECT_EQ(load->sending, 0U);
    constexpr std::size_t kBytes = std::size_t{16} * 4096;
    const Bytes data = test::pattern(kBytes);
    for (std::size_t i = 0; i < kQueues; ++i) {
        queues[i].sendData(wanted[i], data, kBytes);
        EXPECT_EQ(queues[i].await(7).status(), 0);
    }
    EXPECT_EQ(loadOf(kHost)->commands, 0U);
}

TEST_F(NvmeTargetStatus, OfAHostThatDoesNotRead) {
    constexpr std::uint16_t kReads = 48;
    start({.stall_timeout = 0ms, .status_timeout = kPatient});
    addMemory(1);
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    for (std::uint16_t id = 0; id < kReads; ++id)
        begin(queue, transfer(nvme_cmd_read, 0, 256), id);
    const auto load = await(kHost, [](const FileHostLoad& now) {
        return now.commands > 0 && now.queued_bytes > 0 && now.unsent_bytes > 0;
    });
    EXPECT_EQ(load.sending, load.commands);
    EXPECT_EQ(load.on_device, 0U);
    EXPECT_GE(load.unacknowledged_bytes, load.unsent_bytes);
    // What waits here and there is not more than there is.
    EXPECT_LE(load.queued_bytes + load.unacknowledged_bytes, std::uint64_t{kReads} * ((1 << 20) + 64));
    for (std::uint16_t id = 0; id < kReads; ++id)
        EXPECT_EQ(queue.await(id).status(), 0);
    const auto after = await(kHost, [](const FileHostLoad& now) { return now.unacknowledged_bytes == 0; });
    EXPECT_EQ(after.commands, 0U);
    EXPECT_EQ(after.queued_bytes, 0U);
}

/// Three loops, the second of which waits for a disk, and with it a queue of the host; nqn.other is in the third alone.
class NvmeTargetStuckLoop : public NvmeTargetStatus {
  protected:
    void startStuck(const TargetOptions& options) {
        start(options);
        ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 1, .device = device_}));
        admin_ = std::make_unique<TestHost>(connectAdmin());
        queue_ = std::make_unique<TestHost>(connectQueue(1));
        other_ = std::make_unique<TestHost>(connectAdmin({.host_nqn = "nqn.other"}));
        begin(*queue_, transfer(nvme_cmd_read, 0, 1), 9);
        awaitBegun(*device_);
    }
    void TearDown() override { device_->letGo(); }  // Before the target goes, which waits for it.

    std::shared_ptr<HeldDevice> device_ = std::make_shared<HeldDevice>(HeldDevice::Holds::Loop);
    std::unique_ptr<TestHost> admin_, queue_, other_;
};

TEST_F(NvmeTargetStuckLoop, LeavesOutWhatIsNotKnown) {
    startStuck({.threads = 3, .change_timeout = kPatient, .status_timeout = 20ms});
    for (bool known = false; !known;) {
        EXPECT_EQ(target_->controllers().size(), 2U);
        EXPECT_FALSE(loadOf(kHost));
        known = loadOf("nqn.other").has_value();
    }
    device_->letGo();
    EXPECT_EQ(queue_->await(9).status(), 0);
    while (!loadOf(kHost)) {
    }
}

TEST_F(NvmeTargetStuckLoop, HoldsUpNoChange) {
    startStuck({.threads = 3, .removal_timeout = 20ms, .change_timeout = 20ms, .status_timeout = 20ms});
    addMemory(2);
    const auto removed = target_->removeNamespace(test::kSubsystem, 1);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, ErrorCode::TimedOut);
    EXPECT_TRUE(target_->addSubsystem({.nqn = "nqn.2024-01.test:other"}));
    EXPECT_TRUE(target_->removeSubsystem("nqn.2024-01.test:other"));
    const std::weak_ptr<HeldDevice> watched = device_;
    device_->letGo();
    EXPECT_EQ(queue_->await(9).status(), 0);
    device_ = std::make_shared<HeldDevice>();
    while (!watched.expired()) {  // The loop has heard of everything, and given the device up.
        std::this_thread::yield();
    }
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1, 2), 4096).status(), 0);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1, 1), 4096).code(), NVME_SC_INVALID_NS);
}

TEST_F(NvmeTargetStuckLoop, MayGoOnAfterWhoAskedHasGone) {
    startStuck({.threads = 3, .change_timeout = kPatient, .status_timeout = 0ms});
    EXPECT_FALSE(loadOf(kHost));
    std::jthread late([this] { device_->letGo(); });
    target_.reset();
}

TEST_F(NvmeTargetStatus, IsAskedWhileHostsAndNamespacesComeAndGo) {
    start({.threads = 3, .status_timeout = kPatient});
    addMemory(1);
    std::atomic<bool> over = false;
    std::jthread asks([&] {
        while (!over) {
            for (const ControllerStatus& controller : target_->controllers())
                EXPECT_LE(controller.load.value_or(FileHostLoad{}).commands, 1U);
        }
    });
    for (int round = 0; round < 20; ++round) {
        TestHost admin = connectAdmin();
        TestHost queue = connectQueue(1);
        EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
        addMemory(2);
        EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1, 2), 4096).status(), 0);
        EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 2));
    }
    over = true;
}

}  // namespace
}  // namespace mc::nvme
