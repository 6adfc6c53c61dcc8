#include <gmock/gmock.h>
#include <nvme/types.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "target/fixture.h"
#include "target/held_device.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::HeldDevice;
using test::pattern;
using test::TestHost;

class NvmeTargetNamespaces : public test::TargetFixture {};

TEST_F(NvmeTargetNamespaces, ComeAndGoWhileHostsAreConnected) {
    start();
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_INVALID_NS);
    addMemory(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
    EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 1));
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_INVALID_NS);
    addMemory(1, 8 << 20);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 2047, 1), 4096).status(), 0);
}

TEST_F(NvmeTargetNamespaces, AreThereBeforeHostsGetIn) {
    auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 8);
    ASSERT_TRUE(listener);
    target_ = std::move(*Target::prepare(std::move(*listener), {.threads = 1}));
    const TestHost early(target_->port());
    ASSERT_TRUE(target_->addSubsystem({.nqn = test::kSubsystem}));
    addMemory(1);
    addMemory(2);
    EXPECT_EQ(target_->counters().connections, 0U);
    ASSERT_TRUE(target_->accept());
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
    EXPECT_EQ(target_->counters().connections, 3U);
}

TEST_F(NvmeTargetNamespaces, HaveTheBlocksOfTheirDevices) {
    start();
    TestHost admin = connectAdmin();
    for (const std::uint32_t shift : {9U, 10U, 11U, 12U}) {
        addMemory(shift, 1 << 20, 1U << shift);
        const auto id = test::read<nvme_id_ns>(
            admin.run({.opcode = nvme_admin_identify, .nsid = shift, .cdw10 = NVME_IDENTIFY_CNS_NS}, 4096).data);
        EXPECT_EQ(id.lbaf[0].ds, shift);
        EXPECT_EQ(id.nsze, (1U << 20U) >> shift);
    }
}

TEST_F(NvmeTargetNamespaces, RemovalWaitsForCommandsThatRun) {
    start();
    addMemory(1);
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    const Bytes data = pattern(1 << 20);
    SubmissionEntry write = transfer(nvme_cmd_write, 0, 256);
    write.flags = SubmissionEntry::kUsesSgl;
    write.command_id = 7;
    write.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
    queue.send(write);
    const auto wanted = queue.receive();
    ASSERT_TRUE(wanted);
    ASSERT_EQ(wanted->type(), PduType::ReadyToTransfer);
    std::atomic<bool> removed = false;
    std::jthread remover([&] {
        EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 1));
        removed = true;
    });
    while (queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code() != NVME_SC_INVALID_NS) {
    }
    EXPECT_FALSE(removed) << "the write is still to come";
    queue.sendData(wanted->as<ReadyToTransfer>(), data, 1 << 20);
    EXPECT_EQ(queue.await(7).status(), 0);
    remover.join();
    EXPECT_TRUE(removed);
}

TEST_F(NvmeTargetNamespaces, RemovalDoesNotWaitForAHostForEver) {
    start();
    addMemory(1);
    TestHost admin = connectAdmin();
    TestHost silent = connectQueue(1);
    TestHost other = connectQueue(2);
    SubmissionEntry write = transfer(nvme_cmd_write, 0, 256);
    write.flags = SubmissionEntry::kUsesSgl;
    write.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
    silent.send(write);
    ASSERT_TRUE(silent.receive());
    EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 1));
    EXPECT_TRUE(silent.atEnd());
    EXPECT_EQ(other.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_INVALID_NS);
}

TEST_F(NvmeTargetNamespaces, RemovalDoesNotWaitForAHostThatDoesNotReadWhatTheDeviceBringsLate) {
    start({.threads = 1, .stall_timeout = std::chrono::milliseconds(0)});
    const auto device = std::make_shared<HeldDevice>();
    ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 1, .device = device}));
    TestHost admin = connectAdmin();
    TestHost does_not_read = connectQueue(1);
    for (std::uint16_t i = 0; i < 48; ++i) {
        SubmissionEntry entry = transfer(nvme_cmd_read, 0, 256);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = i;
        entry.data = {.length = 1 << 20, .type = SglDescriptor::kTransport};
        does_not_read.send(entry);
    }
    while (device->begun == 0) {
        std::this_thread::yield();
    }
    auto removed = std::async(std::launch::async, [&] { return target_->removeNamespace(test::kSubsystem, 1); });
    // Past the moment at which hosts that have to do something are looked for: there is none yet.
    EXPECT_EQ(removed.wait_for(std::chrono::milliseconds(2500)), std::future_status::timeout);
    device->letGo();
    const bool ended = removed.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    EXPECT_TRUE(ended);
    if (!ended) does_not_read.close();
    EXPECT_TRUE(removed.get());
}

/// Its target, with a namespace 1 of a held device that has one read to do, and a namespace 2 of memory.
class NvmeTargetHungDevice : public NvmeTargetNamespaces {
  protected:
    void startHung(const TargetOptions& options) {
        start(options);
        ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 1, .device = device_}));
        addMemory(2);
        admin_ = std::make_unique<TestHost>(connectAdmin());
        queue_ = std::make_unique<TestHost>(connectQueue(1));
        SubmissionEntry entry = transfer(nvme_cmd_read, 0, 1);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = 9;
        entry.data = {.length = 4096, .type = SglDescriptor::kTransport};
        queue_->send(entry);
        while (device_->begun == 0) {
            std::this_thread::yield();
        }
    }

    std::shared_ptr<HeldDevice> device_ = std::make_shared<HeldDevice>();
    std::unique_ptr<TestHost> admin_, queue_;
};

TEST_F(NvmeTargetHungDevice, IsGivenUpInTime) {
    startHung({.threads = 2, .removal_timeout = std::chrono::milliseconds(100)});
    const std::weak_ptr<HeldDevice> watched = device_;
    const auto removed = target_->removeNamespace(test::kSubsystem, 1);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, ErrorCode::TimedOut);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_INVALID_NS);
    ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 1, .device = std::make_shared<HeldDevice>()}));
    device_->letGo();
    const auto answer = queue_->await(9);
    EXPECT_EQ(answer.status(), 0);
    EXPECT_THAT(answer.data, testing::Each(std::byte{0x5a}));
    device_.reset();
    while (!watched.expired()) {  // Nobody needs it any more.
        EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1, 2), 4096).status(), 0);
    }
}

TEST_F(NvmeTargetHungDevice, KeepsWhatAHostWantsToAbort) {
    startHung({.threads = 1});
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_abort_cmd, .cdw10 = 1U | 9U << 16U}).completion.result, 1U)
        << "not aborted: the device has it";
    device_->letGo();
    EXPECT_EQ(queue_->await(9).status(), 0);
}

TEST_F(NvmeTargetHungDevice, HoldsUpNobodyElseWhileItGoes) {
    startHung({.threads = 2, .removal_timeout = std::chrono::minutes(10)});
    auto removed = std::async(std::launch::async, [&] { return target_->removeNamespace(test::kSubsystem, 1); });
    const SubmissionEntry list{.opcode = nvme_admin_identify, .cdw10 = NVME_IDENTIFY_CNS_NS_ACTIVE_LIST};
    while (test::read<std::uint32_t>(admin_->run(list, 4096).data) != 2) {  // Its first namespace.
    }
    addMemory(3);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1, 3), 4096).status(), 0);
    EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 2));
    EXPECT_TRUE(target_->addSubsystem({.nqn = "nqn.2024-01.test:other"}));
    EXPECT_TRUE(target_->removeSubsystem("nqn.2024-01.test:other"));
    EXPECT_EQ(target_->controllers().size(), 1U);
    EXPECT_EQ(removed.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
    device_->letGo();
    EXPECT_TRUE(removed.get());
}

TEST_F(NvmeTargetNamespaces, ASubsystemGoesWithItsControllers) {
    start();
    addMemory(1);
    TestHost admin = connectAdmin();
    TestHost queue = connectQueue(1);
    EXPECT_TRUE(target_->removeSubsystem(test::kSubsystem));
    EXPECT_TRUE(admin.atEnd());
    EXPECT_TRUE(queue.atEnd());
    EXPECT_TRUE(target_->controllers().empty());
    EXPECT_FALSE(target_->removeSubsystem(test::kSubsystem));
}

TEST_F(NvmeTargetNamespaces, WhatIsWrongIsTold) {
    start();
    addMemory(1);
    const auto device = io::makeMemoryDevice("twice", 1 << 20);
    ASSERT_TRUE(device);
    const auto code = [&](const std::string& nqn, std::uint32_t nsid) {
        const auto added = target_->addNamespace(nqn, {.nsid = nsid, .device = *device});
        return added ? ErrorCode::Internal : added.error().code;
    };
    EXPECT_EQ(code("nqn.2024-01.test:other", 2), ErrorCode::NotFound);
    EXPECT_EQ(code(test::kSubsystem, 0), ErrorCode::InvalidArgument);
    EXPECT_EQ(code(test::kSubsystem, 1025), ErrorCode::InvalidArgument);
    EXPECT_EQ(code(test::kSubsystem, 1), ErrorCode::AlreadyExists);
    EXPECT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 2, .device = *device}));
    EXPECT_EQ(code(test::kSubsystem, 3), ErrorCode::AlreadyExists) << "the same device";
    EXPECT_EQ(target_->removeNamespace(test::kSubsystem, 9).error().code, ErrorCode::NotFound);

    EXPECT_EQ(target_->addSubsystem({.nqn = "store"}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(target_->addSubsystem({.nqn = kDiscoveryNqn}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(target_->addSubsystem({.nqn = test::kSubsystem}).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(target_->addSubsystem({.nqn = "nqn.x:y", .serial = "123456789012345678901"}).error().code,
              ErrorCode::InvalidArgument);
    EXPECT_EQ(
        target_->addSubsystem({.nqn = "nqn.x:y", .hosts = {{.nqn = "nqn.x:h", .key = "DHHC-1:secret"}}}).error().code,
        ErrorCode::InvalidArgument);
}

TEST_F(NvmeTargetNamespaces, AreReadAndWrittenByManyQueuesWhileOthersComeAndGo) {
    start({.threads = 4});
    addMemory(1, 16 << 20);
    TestHost admin = connectAdmin();
    std::vector<TestHost> queues;
    for (std::uint16_t i = 1; i <= 4; ++i) {
        queues.push_back(connectQueue(i));
    }
    std::atomic<bool> stop = false;
    std::jthread changer([&] {
        while (!stop) {
            addMemory(2);
            EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 2));
        }
    });
    {
        std::vector<std::jthread> hosts;
        for (std::size_t i = 0; i < queues.size(); ++i) {
            hosts.emplace_back([&, i] {
                for (std::uint32_t round = 0; round < 50; ++round) {
                    const Bytes data = pattern(64 << 10, static_cast<std::uint32_t>(i) * 1000 + round);
                    EXPECT_EQ(queues[i].runAsked(transfer(nvme_cmd_write, i * 1024, 16), data).status(), 0);
                    EXPECT_EQ(queues[i].run(transfer(nvme_cmd_read, i * 1024, 16), 64 << 10).data, data);
                    const int other = queues[i].run(transfer(nvme_cmd_read, 0, 1, 2), 4096).code();
                    EXPECT_TRUE(other == 0 || other == NVME_SC_INVALID_NS) << other;
                }
            });
        }
    }
    stop = true;
}

}  // namespace
}  // namespace mc::nvme
