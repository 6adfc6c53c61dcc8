#include <fcntl.h>
#include <nvme/types.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "nvme/target/status.h"
#include "target/fixture.h"
#include "temporary.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::pattern;
using test::TestHost;

enum class Backing { Memory, File };

/// A namespace of 4 MiB, of memory or of a file, and an I/O queue.
class NvmeTargetIo : public test::TargetFixture, public ::testing::WithParamInterface<Backing> {
  protected:
    void SetUp() override {
        start();
        if (GetParam() == Backing::Memory) {
            addMemory(1);
        } else {
            addFile(1, false);
        }
        admin_.emplace(connectAdmin());
        queue_.emplace(connectQueue(1));
    }
    void addFile(std::uint32_t nsid, bool read_only) {
        const std::string path = mc::test::temporaryPath("nvme-file" + std::to_string(nsid));
        const FileDescriptor file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
        ASSERT_EQ(::ftruncate(file.get(), kSize), 0);
        auto device = io::openFileDevice(path, {.read_only = read_only});
        ASSERT_TRUE(device) << device.error().message;
        ::unlink(path.c_str());
        const auto added = target_->addNamespace(test::kSubsystem, {.nsid = nsid, .device = *device});
        ASSERT_TRUE(added) << added.error().message;
        block_ = (*device)->blockSize() >= 4096 ? 4096 : 512;
    }
    Bytes readAll(std::uint64_t block, std::uint32_t blocks) {
        const auto answer = queue_->run(transfer(nvme_cmd_read, block, blocks), blocks * block_);
        EXPECT_EQ(answer.status(), 0);
        return answer.data;
    }
    int status(std::uint8_t opcode, std::uint64_t block, std::uint32_t blocks) {
        return queue_->run(transfer(opcode, block, blocks), opcode == nvme_cmd_read ? blocks * block_ : 0).code();
    }

    static constexpr std::uint64_t kSize = 4 << 20;
    std::uint32_t block_ = 4096;
    std::optional<TestHost> admin_;
    std::optional<TestHost> queue_;
};

INSTANTIATE_TEST_SUITE_P(Backings, NvmeTargetIo, ::testing::Values(Backing::Memory, Backing::File));

TEST_P(NvmeTargetIo, WritesReadsFlushes) {
    const Bytes data = pattern(64 << 10);
    const auto blocks = static_cast<std::uint32_t>(data.size() / block_);
    EXPECT_EQ(queue_->runAsked(transfer(nvme_cmd_write, 7, blocks), data).status(), 0);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_write, 0, 8192 / block_), std::span(data).first(8192)).status(),
              0);
    EXPECT_EQ(queue_->run({.opcode = nvme_cmd_flush, .nsid = 1}).status(), 0);
    EXPECT_EQ(readAll(7, blocks), data);
    auto durable = transfer(nvme_cmd_write, 1, 1);
    durable.cdw12 |= static_cast<std::uint32_t>(NVME_IO_FUA) << 16U;
    EXPECT_EQ(queue_->runInCapsule(durable, std::span(data).first(block_)).status(), 0);
    EXPECT_TRUE(std::ranges::equal(readAll(1, 1), std::span(data).first(block_)));
}

TEST_P(NvmeTargetIo, WriteZeroesAndDeallocate) {
    const Bytes data = pattern(16 * block_);
    ASSERT_EQ(queue_->runAsked(transfer(nvme_cmd_write, 0, 16), data).status(), 0);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_write_zeroes, 4, 4)).status(), 0);
    const Bytes after = readAll(0, 16);
    EXPECT_TRUE(std::ranges::all_of(std::span(after).subspan(4 * block_, 4 * block_),
                                    [](auto b) { return b == std::byte{0}; }));
    EXPECT_TRUE(std::ranges::equal(std::span(after).first(4 * block_), std::span(data).first(4 * block_)));
    EXPECT_TRUE(std::ranges::equal(std::span(after).subspan(8 * block_), std::span(data).subspan(8 * block_)));

    const std::array<nvme_dsm_range, 2> ranges{{{.cattr = 0, .nlb = 2, .slba = 0}, {.cattr = 0, .nlb = 1, .slba = 9}}};
    const SubmissionEntry deallocate{.opcode = nvme_cmd_dsm, .nsid = 1, .cdw10 = 1, .cdw11 = NVME_DSMGMT_AD};
    EXPECT_EQ(queue_->runInCapsule(deallocate, test::bytesOf(ranges)).status(), 0);
    const Bytes kept = readAll(10, 6);
    EXPECT_TRUE(std::ranges::equal(kept, std::span(data).subspan(10 * block_)));

    const std::array<nvme_dsm_range, 2> beyond{
        {{.cattr = 0, .nlb = 2, .slba = 0}, {.cattr = 0, .nlb = 2, .slba = ~0ULL}}};
    EXPECT_EQ(queue_->runInCapsule(deallocate, test::bytesOf(beyond)).code(), NVME_SC_LBA_RANGE);
    Bytes roomy = test::bytesOf(ranges);
    roomy.resize(4096);
    EXPECT_EQ(queue_->runInCapsule(deallocate, roomy).status(), 0) << "as Linux sends them";
    EXPECT_EQ(queue_->runInCapsule(deallocate, Bytes(16)).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(queue_->runInCapsule(deallocate, Bytes(8192)).code(), NVME_SC_SGL_INVALID_DATA);
    const SubmissionEntry many{.opcode = nvme_cmd_dsm, .nsid = 1, .cdw10 = 255, .cdw11 = NVME_DSMGMT_AD};
    EXPECT_EQ(queue_->runInCapsule(many, Bytes(256 * sizeof(nvme_dsm_range))).status(), 0);
}

TEST_P(NvmeTargetIo, Compare) {
    const Bytes data = pattern(32 * block_);
    ASSERT_EQ(queue_->runAsked(transfer(nvme_cmd_write, 0, 32), data).status(), 0);
    EXPECT_EQ(queue_->runAsked(transfer(nvme_cmd_compare, 0, 32), data).status(), 0);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_compare, 0, 1), std::span(data).first(block_)).status(), 0);
    Bytes other = data;
    other.back() ^= std::byte{1};
    EXPECT_EQ(queue_->runAsked(transfer(nvme_cmd_compare, 0, 32), other).code(), 0x200 | NVME_SC_COMPARE_FAILED);
}

TEST_P(NvmeTargetIo, RangesAreWithinTheNamespace) {
    const std::uint64_t blocks = kSize / block_;
    EXPECT_EQ(status(nvme_cmd_read, blocks - 1, 1), 0);
    EXPECT_EQ(status(nvme_cmd_read, blocks - 1, 2), NVME_SC_LBA_RANGE);
    EXPECT_EQ(status(nvme_cmd_read, blocks, 1), NVME_SC_LBA_RANGE);
    EXPECT_EQ(status(nvme_cmd_read, ~0ULL, 2), NVME_SC_LBA_RANGE) << "the sum overflows";
    EXPECT_EQ(status(nvme_cmd_write_zeroes, ~0ULL, 65536), NVME_SC_LBA_RANGE);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_write, blocks, 1), Bytes(block_)).code(), NVME_SC_LBA_RANGE);
    EXPECT_EQ(queue_->runAsked(transfer(nvme_cmd_write, blocks - 1, 2), Bytes(2 * block_)).code(), NVME_SC_LBA_RANGE);
    EXPECT_EQ(status(nvme_cmd_read, 0, 65536), NVME_SC_INVALID_FIELD) << "longer than MDTS";
    EXPECT_EQ(status(nvme_cmd_read, 0, 1), 0) << "the queue goes on";
}

TEST_P(NvmeTargetIo, WhatTheCommandAndItsDescriptorSayHasToFit) {
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1), 2 * block_).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1)).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_write, 0, 1), Bytes(block_ / 2)).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_read, 0, 1), Bytes(block_)).code(), NVME_SC_SGL_INVALID_TYPE);
    EXPECT_EQ(queue_->runInCapsule({.opcode = nvme_cmd_flush, .nsid = 1}, Bytes(16)).code(), NVME_SC_SGL_INVALID_DATA);

    const auto run = [&](auto change) {
        SubmissionEntry entry = transfer(nvme_cmd_read, 0, 1);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = queue_->nextCommandId();
        entry.data = {.length = block_, .type = SglDescriptor::kTransport};
        change(entry);
        queue_->send(entry);
        return queue_->await(entry.command_id).code();
    };
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.flags = 0; }), NVME_SC_INVALID_FIELD) << "PRPs";
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.flags |= 1; }), NVME_SC_INVALID_FIELD) << "fused";
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.data.type = 0x40; }), NVME_SC_SGL_INVALID_TYPE) << "keyed";
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.nsid = 2; }), NVME_SC_INVALID_NS);
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.nsid = 0; }), NVME_SC_INVALID_NS);
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.nsid = 0xffffffff; }), NVME_SC_INVALID_NS);
    EXPECT_EQ(run([](SubmissionEntry& entry) { entry.opcode = 0x7d; }), NVME_SC_INVALID_OPCODE);
    EXPECT_EQ(run([](SubmissionEntry&) {}), 0);

    SubmissionEntry shifted = transfer(nvme_cmd_write, 0, 1);
    shifted.flags = SubmissionEntry::kUsesSgl;
    shifted.command_id = queue_->nextCommandId();
    shifted.data = {.address = 8, .length = block_, .type = SglDescriptor::kInCapsule};
    queue_->sendBytes(queue_->makePdu(
        test::bytesOf(CapsuleCommand{.header = {.type = PduType::CapsuleCommand}, .command = shifted}), Bytes(block_)));
    EXPECT_EQ(queue_->await(shifted.command_id).code(), NVME_SC_SGL_INVALID_OFFSET);
}

TEST_P(NvmeTargetIo, ManyCommandsAtOnce) {
    const Bytes data = pattern(128 * block_);
    ASSERT_EQ(queue_->runAsked(transfer(nvme_cmd_write, 0, 128), data).status(), 0);
    Bytes capsules;
    for (std::uint16_t i = 0; i < 128; ++i) {
        SubmissionEntry entry = transfer(nvme_cmd_read, i, 1);
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = i;
        entry.data = {.length = block_, .type = SglDescriptor::kTransport};
        const Bytes capsule = queue_->makeCapsule(entry);
        capsules.insert(capsules.end(), capsule.begin(), capsule.end());
    }
    queue_->sendBytes(capsules);
    std::size_t completed = 0;
    while (completed < 128) {
        const auto pdu = queue_->receive();
        ASSERT_TRUE(pdu);
        if (pdu->type() == PduType::ControllerToHostData) {
            const auto at = pdu->as<DataPdu>().command_id * std::size_t{block_};
            EXPECT_TRUE(std::ranges::equal(pdu->data, std::span(data).subspan(at, block_)));
        } else {
            EXPECT_EQ(pdu->as<CapsuleResponse>().completion.status, 0);
            ++completed;
        }
    }
}

// More than a socket takes at once, and than a small read.
TEST_P(NvmeTargetIo, LargeReadsArriveWhole) {
    constexpr std::uint32_t kBytes = 1 << 20;
    const Bytes data = pattern(kSize);
    for (std::uint32_t at = 0; at < kSize; at += kBytes) {
        ASSERT_EQ(
            queue_
                ->runAsked(transfer(nvme_cmd_write, at / block_, kBytes / block_), std::span(data).subspan(at, kBytes))
                .status(),
            0);
    }
    std::uint16_t queue_id = 2;
    for (const test::HostDigests digests :
         {test::HostDigests{}, test::HostDigests{.header = true}, test::HostDigests{.data = true}}) {
        for (const bool flow_control : {true, false}) {
            TestHost queue = connectQueue(queue_id++, digests, 7, flow_control ? 0 : 1U << 2U);
            for (std::uint16_t i = 0; i < kSize / kBytes; ++i) {
                SubmissionEntry entry = transfer(nvme_cmd_read, std::uint64_t{i} * (kBytes / block_), kBytes / block_);
                entry.flags = SubmissionEntry::kUsesSgl;
                entry.command_id = i;
                entry.data = {.length = kBytes, .type = SglDescriptor::kTransport};
                queue.sendBytes(queue.makeCapsule(entry));
            }
            Bytes received(kSize);
            for (std::uint16_t left = kSize / kBytes; left > 0;) {
                const auto pdu = queue.receive();
                ASSERT_TRUE(pdu);
                if (pdu->type() == PduType::ControllerToHostData) {
                    std::ranges::copy(pdu->data,
                                      received.begin() + std::ptrdiff_t{pdu->as<DataPdu>().command_id} * kBytes);
                    if (!flow_control) --left;
                } else {
                    EXPECT_EQ(pdu->as<CapsuleResponse>().completion.status, 0);
                    --left;
                }
            }
            EXPECT_EQ(received, data);
        }
    }
}

/// Says that it can be sent from its file, which is shorter than it says.
class ShortDevice final : public io::BlockDevice {
  public:
    explicit ShortDevice(FileDescriptor file) : file_(std::move(file)) {}
    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return 1 << 20; }
    std::uint32_t blockSize() const override { return 4096; }
    int sendableFrom(std::uint64_t /*offset*/, std::uint64_t /*length*/) override { return file_.get(); }
    std::optional<int> tryNow(io::BlockRequest& /*request*/) override { return EIO; }
    int carryOut(io::BlockRequest& /*request*/) override { return EIO; }

  private:
    std::string name_ = "short";
    FileDescriptor file_;
};

TEST_P(NvmeTargetIo, AFileThatGetsShorterWhileItIsSentEndsThatConnectionAlone) {
    const std::string path = mc::test::temporaryPath("nvme-short");
    FileDescriptor file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ::unlink(path.c_str());
    ASSERT_EQ(::ftruncate(file.get(), 96 << 10), 0);
    ASSERT_TRUE(
        target_->addNamespace(test::kSubsystem, {.nsid = 9, .device = std::make_shared<ShortDevice>(std::move(file))}));
    TestHost queue = connectQueue(2);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 24, 9), 96 << 10).data, Bytes(96 << 10));
    SubmissionEntry read = transfer(nvme_cmd_read, 8, 64, 9);
    read.flags = SubmissionEntry::kUsesSgl;
    read.data = {.length = 256 << 10, .type = SglDescriptor::kTransport};
    queue.send(read);
    EXPECT_FALSE(queue.receive());
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 0, 1), block_).status(), 0);
    EXPECT_EQ(connectQueue(3).run(transfer(nvme_cmd_read, 0, 1, 9), 4096).status(), mediaStatus(NVME_SC_READ_ERROR));
}

TEST_P(NvmeTargetIo, ReadsWithoutFlowControlNeedNoCompletion) {
    TestHost queue = connectQueue(2, {}, 0, 1U << 2U);
    const auto read = queue.run(transfer(nvme_cmd_read, 0, 1), block_);
    EXPECT_TRUE(read.by_data_alone);
    EXPECT_EQ(read.data.size(), block_);
    EXPECT_FALSE(queue_->run(transfer(nvme_cmd_read, 0, 1), block_).by_data_alone);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, ~0ULL, 1), block_).code(), NVME_SC_LBA_RANGE);
}

TEST_P(NvmeTargetIo, DataAreAlignedAsTheHostLikes) {
    TestHost queue = connectQueue(2, {.header = true, .data = true}, 31);
    const auto read = queue.run(transfer(nvme_cmd_read, 0, 4), 4 * block_);  // The test's host looks at the offset.
    EXPECT_EQ(read.status(), 0);
    EXPECT_EQ(read.data.size(), 4 * block_);
}

TEST_P(NvmeTargetIo, ReadOnly) {
    addFile(2, true);
    TestHost queue = connectQueue(2);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1, 2), block_).status(), 0);
    EXPECT_EQ(queue.runInCapsule(transfer(nvme_cmd_write, 0, 1, 2), Bytes(block_)).code(), NVME_SC_NS_WRITE_PROTECTED);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_write_zeroes, 0, 1, 2)).code(), NVME_SC_NS_WRITE_PROTECTED);
    const auto id = test::read<nvme_id_ns>(admin_->run({.opcode = nvme_admin_identify, .nsid = 2}, 4096).data);
    EXPECT_EQ(id.nsattr & 1, 1);
}

TEST_P(NvmeTargetIo, BlocksOf512Bytes) {
    auto device = io::makeMemoryDevice("small blocks", 1 << 20, 512);
    ASSERT_TRUE(device);
    ASSERT_TRUE(target_->addNamespace(test::kSubsystem, {.nsid = 9, .device = *device}));
    const auto id = test::read<nvme_id_ns>(admin_->run({.opcode = nvme_admin_identify, .nsid = 9}, 4096).data);
    EXPECT_EQ(id.nsze, 2048U);
    EXPECT_EQ(id.lbaf[0].ds, 9);
    const Bytes data = pattern(512);
    EXPECT_EQ(queue_->runInCapsule(transfer(nvme_cmd_write, 2047, 1, 9), data).status(), 0);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 2047, 1, 9), 512).data, data);
    EXPECT_EQ(queue_->run(transfer(nvme_cmd_read, 2047, 2, 9), 1024).code(), NVME_SC_LBA_RANGE);
}

}  // namespace
}  // namespace mc::nvme
