#include <fcntl.h>

#include <thread>

#include "nvme/kernel/host/fixture.h"
#include "transport/nvmeof/fixture.h"

namespace mc::nvmeof {
namespace {

namespace fs = std::filesystem;
using namespace test;
using nvme::kernel::KernelHost;
using nvme::kernel::test::kHostNqn;
using nvme::kernel::test::kNqn;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kMiB = 1 << 20;

bool hasDirectIo() {
    const TemporaryFile probe("direct", 4096);
    return FileDescriptor(::open(probe.path().c_str(), O_RDWR | O_DIRECT)).get() >= 0;
}

/// Two files of 1 MiB at "nvme3", or at the controller that the kernel is asked for; regular files are their devices.
class KernelInitiator : public nvme::kernel::test::KernelTree {
  protected:
    void SetUp() override {
        KernelTree::SetUp();
        options_.initiator = NvmeofInitiator::Kernel;
        options_.self.nqn = kHostNqn;
        options_.initiator_page_cache = !hasDirectIo();
        descriptor_.name = "files.test:1";
        descriptor_.protocols = {"nvmeof_generic"};
        descriptor_.nvme_trid = {
            .trtype = "RDMA", .adrfam = "ipv4", .traddr = "127.0.0.1", .trsvcid = "4420", .subnqn = kNqn};
        descriptor_.file_buffers = {{.id = 1, .path = "/1", .size = kMiB, .align = 0},
                                    {.id = 2, .path = "/2", .size = kMiB, .align = 0}};
    }
    void addFiles(const std::string& controller, const std::string& devices) const {
        addNamespace(controller, devices + "n1", devices + "n1", 1, 1);
        addNamespace(controller, devices + "n2", devices + "n2", 2, 1);
    }
    /// A controller that others have connected.
    void addForeign() const {
        addController("nvme3", {.transport = "rdma"});
        addFiles("nvme3", "nvme0");
    }
    /// The kernel connects "nvme7" with the files.
    nvme::kernel::Connect connectsFiles() {
        return [this, connect = connects()](const nvme::kernel::ConnectRequest& request) {
            addFiles("nvme7", "nvme7");
            return connect(request);
        };
    }
    std::string deletedOf(const std::string& controller) const {
        return content("sys/class/nvme/" + controller + "/delete_controller");
    }

    NvmeofOptions options_;
    SegmentDescriptor descriptor_;
};

Bytes numbered(std::size_t length) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::byte>(i * 7 + (i >> 8U));
    return bytes;
}

TEST_F(KernelInitiator, MovesBytesBothWaysWhereverTheyBegin) {
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsFiles()));
    if (options_.initiator_page_cache) initiator.expected_unacknowledged = 3;
    Bytes whole = numbered(64 << 10);
    Bytes odd = numbered(5001);
    Bytes last = numbered(1);
    EXPECT_THAT(
        initiator.run(
            {{Opcode::Write, 1, 4096, whole}, {Opcode::Write, 2, 511, odd}, {Opcode::Write, 2, kMiB - 1, last}}),
        Each(TaskStatus::COMPLETED));
    EXPECT_EQ(std::memcmp(content("dev/nvme7n1").data() + 4096, whole.data(), whole.size()), 0);
    EXPECT_EQ(std::memcmp(content("dev/nvme7n2").data() + 511, odd.data(), odd.size()), 0);
    Bytes read(odd.size());
    EXPECT_EQ(initiator.runOne({Opcode::Read, 2, 511, read}), TaskStatus::COMPLETED);
    EXPECT_EQ(read, odd);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 2, kMiB - 1, std::span(read).first(1)}), TaskStatus::COMPLETED);
    EXPECT_EQ(read[0], last[0]);
    const PeerInfo info = initiator.transport().inspect(initiator.peer());
    EXPECT_EQ(info.initiator, "kernel");
    EXPECT_FALSE(info.problem);
    EXPECT_EQ(requests_.at(0).options.fail_timeout, options_.loss_timeout);
    EXPECT_EQ(info.page_cache, options_.initiator_page_cache);
    EXPECT_EQ(initiator.transport().counters().connections, 1U);
}

TEST_F(KernelInitiator, FilesThatCanOnlyBeReadAreTold) {
    addForeign();
    write("sys/class/block/nvme0n2/ro", "1\n");
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsNever()));
    EXPECT_THAT(initiator.transport().inspect(initiator.peer()).read_only_files, ElementsAre(2U));
}

TEST_F(KernelInitiator, WhatOtherThreadsWriteInTheSameBlockStays) {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kPart = 700;
    constexpr int kRounds = 30;
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsFiles()));
    if (options_.initiator_page_cache) initiator.expected_unacknowledged = kThreads * kRounds;
    const Bytes data = numbered(kThreads * kPart);
    for (int round = 0; round < kRounds; ++round) {
        Bytes part = data;
        for (std::byte& byte : part)
            byte ^= static_cast<std::byte>(round);
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < kThreads; ++i) {
                threads.emplace_back([&initiator, own = std::span(part).subspan(i * kPart, kPart), i] {
                    EXPECT_EQ(initiator.runOne({Opcode::Write, 1, i * kPart, own}), TaskStatus::COMPLETED);
                });
            }
        }
        ASSERT_EQ(std::memcmp(content("dev/nvme7n1").data(), part.data(), part.size()), 0) << round;
    }
}

TEST_F(KernelInitiator, WhatIsWrittenIntoThePageCacheIsNotAcknowledged) {
    options_.initiator_page_cache = true;
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsFiles()));
    initiator.expected_unacknowledged = 1;
    Bytes data = numbered(1000);
    EXPECT_THAT(initiator.run({{Opcode::Write, 1, 3, data}, {Opcode::Read, 1, 3, data}}), Each(TaskStatus::COMPLETED));
    EXPECT_TRUE(initiator.transport().inspect(initiator.peer()).page_cache);
}

TEST_F(KernelInitiator, DisconnectsWhatItHasConnectedAndNothingElse) {
    Bytes data(4096);
    {
        Initiator first(descriptor_, options_, KernelHost(paths(), connectsFiles()));
        const Initiator second(descriptor_, options_, KernelHost(paths(), connectsNever()));
        EXPECT_EQ(first.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    }
    EXPECT_EQ(deletedOf("nvme7"), "1");
    EXPECT_TRUE(fs::is_empty(paths().run));
    removeController("nvme7");
    addForeign();
    {
        Initiator third(descriptor_, options_, KernelHost(paths(), connectsNever()));
        EXPECT_EQ(third.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    }
    EXPECT_EQ(deletedOf("nvme3"), "");
}

TEST_F(KernelInitiator, ARequestBeyondTheDeviceFails) {
    addForeign();
    descriptor_.file_buffers[0].size = 2 * kMiB;  // It lies.
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsNever()));
    Bytes data(4096);
    EXPECT_THAT(initiator.run({{Opcode::Read, 1, kMiB - 2048, data}, {Opcode::Read, 1, kMiB, data}}),
                Each(TaskStatus::FAILED));
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, kMiB - 4096, data}), TaskStatus::COMPLETED);
}

TEST_F(KernelInitiator, AFailureOfTheSameDeviceIsItsAnswer) {
    addForeign();
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsNever()));
    fs::resize_file(root_ / "dev/nvme0n1", 0);
    Bytes data(4096);
    EXPECT_THAT(initiator.run({{Opcode::Read, 1, 0, data}, {Opcode::Read, 2, 0, data}}),
                ElementsAre(TaskStatus::FAILED, TaskStatus::COMPLETED));
    const PeerInfo info = initiator.transport().inspect(initiator.peer());
    ASSERT_TRUE(info.problem);
    EXPECT_EQ(info.problem->message, "file 1: no device has it");
}

TEST_F(KernelInitiator, ConnectsAnewWhatTheKernelHasGivenUp) {
    addForeign();
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsFiles()));
    Bytes data = numbered(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    fs::resize_file(root_ / "dev/nvme0n1", 0);
    removeController("nvme3");
    data = numbered(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
    EXPECT_THAT(data, Each(std::byte{0}));  // The new device's.
    EXPECT_EQ(requests_.size(), 1U);
    EXPECT_FALSE(initiator.transport().inspect(initiator.peer()).problem);
}

TEST_F(KernelInitiator, TriesAsOftenAsItMayAndThenFails) {
    addForeign();
    fs::create_directories(root_ / "sys/module/nvme_rdma");
    int asked = 0;
    Initiator initiator(descriptor_, options_,
                        KernelHost(paths(), [&asked](const nvme::kernel::ConnectRequest&) -> Result<std::string> {
                            ++asked;
                            return std::unexpected(Error{ErrorCode::Unavailable, "nobody there", {}});
                        }));
    fs::resize_file(root_ / "dev/nvme0n1", 0);
    removeController("nvme3");
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}, 2), TaskStatus::FAILED);
    EXPECT_EQ(asked, 2);
    const PeerInfo info = initiator.transport().inspect(initiator.peer());
    ASSERT_TRUE(info.problem);
    EXPECT_THAT(info.problem->message, HasSubstr("nobody there"));
}

TEST_F(KernelInitiator, FollowsWhatIsPublished) {
    addForeign();
    addNamespace("nvme3", "nvme0n5", "nvme0n5", 5, 1);
    Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsNever()));
    descriptor_.file_buffers.push_back({.id = 5, .path = "/5", .size = kMiB, .align = 0});
    ASSERT_TRUE(initiator.transport().update(initiator.peer(), "", descriptor_));
    Bytes data(4096);
    EXPECT_EQ(initiator.runOne({Opcode::Read, 5, 0, data}), TaskStatus::COMPLETED);
    descriptor_.nvme_trid.reset();
    EXPECT_EQ(initiator.transport().update(initiator.peer(), "", descriptor_).error().code, ErrorCode::BadData);
}

TEST_F(KernelInitiator, IsChosenForWhatOnlyTheKernelReaches) {
    options_.initiator = NvmeofInitiator::Auto;
    Bytes data(4096);
    {
        Initiator initiator(descriptor_, options_, KernelHost(paths(), connectsFiles()));
        EXPECT_EQ(initiator.runOne({Opcode::Read, 1, 0, data}), TaskStatus::COMPLETED);
        ASSERT_EQ(requests_.size(), 1U);
        EXPECT_EQ(requests_[0].transport, "rdma");
        SegmentDescriptor tcp = descriptor_;
        tcp.nvme_trid->trtype = "tcp";
        const auto peer = initiator.transport().connect("", tcp);
        ASSERT_TRUE(peer);
        EXPECT_EQ(initiator.transport().inspect(**peer).initiator, "");
    }
    options_.initiator = NvmeofInitiator::User;
    const auto transport = openTransport({}, options_, KernelHost(paths(), connectsNever()));
    const auto refused = transport->connect("", descriptor_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(refused.error().hint, HasSubstr("--initiator=kernel"));
}

TEST_F(KernelInitiator, WhatIsMissingIsAnErrorAtOnce) {
    const auto transport = openTransport({}, options_, KernelHost(paths(), connectsNever()));
    fs::remove(root_ / "dev/nvme-fabrics");
    const auto refused = transport->connect("", descriptor_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("the kernel's NVMe host"));
    EXPECT_EQ(transport->counters().connections, 0U);
}

}  // namespace
}  // namespace mc::nvmeof
