#include <nvme/types.h>

#include <set>
#include <string>

#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::TestHost;

class NvmeTargetDiscovery : public test::TargetFixture {
  protected:
    TestHost discover(const std::string& host_nqn = "nqn.2024-01.test:host") {
        return connectAdmin({.subsystem_nqn = kDiscoveryNqn, .host_nqn = host_nqn});
    }
    static test::Answer log(TestHost& host, std::uint32_t bytes, std::uint64_t offset = 0) {
        return host.run({.opcode = nvme_admin_get_log_page,
                         .cdw10 = NVME_LOG_LID_DISCOVER | (bytes / 4 - 1) << 16U,
                         .cdw12 = static_cast<std::uint32_t>(offset)},
                        bytes);
    }
    struct Log {
        std::uint64_t generation = 0;
        std::vector<nvmf_disc_log_entry> entries;
    };
    /// As hosts do it: first the header, then the whole.
    static Log readLog(TestHost& host) {
        const auto header = test::read<nvmf_discovery_log>(log(host, 1024).data);
        Log read{.generation = header.genctr};
        for (std::uint64_t i = 0; i < header.numrec; ++i) {
            read.entries.push_back(test::read<nvmf_disc_log_entry>(log(host, 1024, 1024 + i * 1024).data));
        }
        return read;
    }
};

TEST_F(NvmeTargetDiscovery, TellsOfSubsystemsAndReferrals) {
    start({.referrals = {{.traddr = "192.0.2.7", .trsvcid = "8009"}, {.traddr = "2001:db8::7", .trsvcid = "4420"}}});
    ASSERT_TRUE(target_->addSubsystem({.nqn = "nqn.2024-01.test:zzz"}));
    ASSERT_TRUE(target_->addSubsystem(
        {.nqn = "nqn.2024-01.test:hidden", .allow_any_host = false, .hosts = {{.nqn = "nqn.2024-01.test:friend"}}}));
    TestHost host = discover();
    const Log read = readLog(host);
    ASSERT_EQ(read.entries.size(), 4U);
    EXPECT_EQ(read.entries[0].trtype, NVMF_TRTYPE_TCP);
    EXPECT_EQ(read.entries[0].adrfam, NVMF_ADDR_FAMILY_IP4);
    EXPECT_EQ(read.entries[0].subtype, NVME_NQN_NVME);
    EXPECT_EQ(read.entries[0].cntlid, kAnyController);
    EXPECT_EQ(std::string(read.entries[0].subnqn), test::kSubsystem);
    EXPECT_EQ(std::string(read.entries[0].traddr), "127.0.0.1");
    EXPECT_EQ(std::string(read.entries[0].trsvcid), std::to_string(target_->port()));
    EXPECT_EQ(std::string(read.entries[1].subnqn), "nqn.2024-01.test:zzz");
    EXPECT_EQ(read.entries[2].subtype, NVME_NQN_DISC);
    EXPECT_EQ(std::string(read.entries[2].traddr), "192.0.2.7");
    EXPECT_EQ(read.entries[3].adrfam, NVMF_ADDR_FAMILY_IP6);

    TestHost privileged = discover("nqn.2024-01.test:friend");
    EXPECT_EQ(readLog(privileged).entries.size(), 5U);
}

TEST_F(NvmeTargetDiscovery, TellsTheAdvertisedAddress) {
    start({.advertised_address = "2001:db8::7"});
    TestHost host = discover();
    const Log read = readLog(host);
    ASSERT_EQ(read.entries.size(), 1U);
    EXPECT_EQ(std::string(read.entries[0].traddr), "2001:db8::7");
    EXPECT_EQ(read.entries[0].adrfam, NVMF_ADDR_FAMILY_IP6);
    EXPECT_EQ(std::string(read.entries[0].trsvcid), std::to_string(target_->port()));
}

TEST_F(NvmeTargetDiscovery, BoundToAllAddressesItTellsTheOneThatWasReached) {
    for (const char* const wildcard : {"0.0.0.0", "::"}) {
        auto listener = io::listenOn(io::resolve(wildcard, 0)->front(), 8);
        ASSERT_TRUE(listener) << wildcard;
        target_ = std::move(*Target::start(std::move(*listener), {.threads = 1}));
        ASSERT_TRUE(target_->addSubsystem({.nqn = test::kSubsystem}));
        TestHost host = discover();
        const Log read = readLog(host);
        ASSERT_EQ(read.entries.size(), 1U);
        EXPECT_EQ(std::string(read.entries[0].traddr), "127.0.0.1");
        EXPECT_EQ(read.entries[0].adrfam, NVMF_ADDR_FAMILY_IP4);
    }
}

TEST_F(NvmeTargetDiscovery, ChangesCountAndAreTold) {
    start();
    TestHost host = discover();
    ASSERT_EQ(
        host.run({.opcode = nvme_admin_set_features, .cdw10 = NVME_FEAT_FID_ASYNC_EVENT, .cdw11 = 1U << 31U}).status(),
        0);
    const Log before = readLog(host);
    const SubmissionEntry event{.opcode = nvme_admin_async_event,
                                .flags = SubmissionEntry::kUsesSgl,
                                .command_id = host.nextCommandId(),
                                .data = {.type = SglDescriptor::kTransport}};
    host.send(event);
    ASSERT_TRUE(target_->addSubsystem({.nqn = "nqn.2024-01.test:new"}));
    EXPECT_EQ(host.await(event.command_id).completion.result,
              NVME_AER_NOTICE | NVME_AER_NOTICE_DISC_CHANGED << 8U | NVME_LOG_LID_DISCOVER << 16U);
    const Log after = readLog(host);
    EXPECT_GT(after.generation, before.generation);
    EXPECT_EQ(after.entries.size(), before.entries.size() + 1);
    ASSERT_TRUE(target_->removeSubsystem("nqn.2024-01.test:new"));
    EXPECT_EQ(readLog(host).entries.size(), before.entries.size());
}

TEST_F(NvmeTargetDiscovery, IsAControllerOfItsOwnKind) {
    start();
    TestHost host = discover();
    const auto id = test::read<nvme_id_ctrl>(host.run({.opcode = nvme_admin_identify, .cdw10 = 1}, 4096).data);
    EXPECT_EQ(id.cntrltype, NVME_CTRL_CNTRLTYPE_DISCOVERY);
    EXPECT_EQ(std::string(id.subnqn), kDiscoveryNqn);
    EXPECT_EQ(id.cntlid, controller_id_);
    EXPECT_NE(id.oaes & 1U << 31U, 0U);
    EXPECT_EQ(host.run({.opcode = nvme_admin_identify, .cdw10 = 2}, 4096).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(log(host, 1024, 1 << 20).code(), NVME_SC_INVALID_FIELD) << "behind its end";
    EXPECT_EQ(host.run({.opcode = nvme_admin_set_features, .cdw10 = NVME_FEAT_FID_NUM_QUEUES}).code(),
              NVME_SC_INVALID_FIELD);
    TestHost queue(target_->port());
    queue.initialize();
    EXPECT_NE(queue.connect({.subsystem_nqn = kDiscoveryNqn, .controller_id = controller_id_, .queue_id = 1}).status(),
              0);
}

}  // namespace
}  // namespace mc::nvme
