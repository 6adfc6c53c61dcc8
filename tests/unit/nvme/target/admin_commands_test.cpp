#include <nvme/types.h>

#include <algorithm>
#include <bit>
#include <set>
#include <string>

#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::TestHost;

class NvmeTargetAdmin : public test::TargetFixture {
  protected:
    void SetUp() override {
        start();
        addMemory(1);
        addMemory(3, 8 << 20);
        admin_.emplace(connectAdmin());
    }
    test::Answer identify(std::uint8_t what, std::uint32_t nsid = 0) {
        return admin_->run({.opcode = nvme_admin_identify, .nsid = nsid, .cdw10 = what}, 4096);
    }
    test::Answer log(std::uint8_t page, std::uint32_t bytes, std::uint64_t offset = 0, bool retain = false,
                     std::uint32_t nsid = 0xffffffff) {
        return admin_->run({.opcode = nvme_admin_get_log_page,
                            .nsid = nsid,
                            .cdw10 = page | (retain ? 1U << 15U : 0U) | (bytes / 4 - 1) << 16U,
                            .cdw11 = (bytes / 4 - 1) >> 16U,
                            .cdw12 = static_cast<std::uint32_t>(offset),
                            .cdw13 = static_cast<std::uint32_t>(offset >> 32U)},
                           bytes);
    }
    test::Answer getFeature(std::uint8_t feature, std::uint32_t cdw11 = 0, std::uint32_t bytes = 0) {
        return admin_->run({.opcode = nvme_admin_get_features, .cdw10 = feature, .cdw11 = cdw11}, bytes);
    }
    test::Answer setFeature(std::uint8_t feature, std::uint32_t value) {
        return admin_->run({.opcode = nvme_admin_set_features, .cdw10 = feature, .cdw11 = value});
    }
    std::uint16_t requestEvent() {
        const SubmissionEntry entry{.opcode = nvme_admin_async_event,
                                    .flags = SubmissionEntry::kUsesSgl,
                                    .command_id = admin_->nextCommandId(),
                                    .data = {.type = SglDescriptor::kTransport}};
        admin_->send(entry);
        return entry.command_id;
    }
    std::set<std::uint32_t> changedNamespaces(bool retain = false) {
        const Bytes data = log(NVME_LOG_LID_CHANGED_NS, 4096, 0, retain).data;
        std::set<std::uint32_t> changed;
        for (std::size_t at = 0; at < data.size(); at += 4) {
            if (const auto nsid = test::read<std::uint32_t>(data, at); nsid != 0) changed.insert(nsid);
        }
        return changed;
    }

    std::optional<TestHost> admin_;
};

TEST_F(NvmeTargetAdmin, IdentifyController) {
    const auto id = test::read<nvme_id_ctrl>(identify(NVME_IDENTIFY_CNS_CTRL).data);
    EXPECT_EQ(id.cntlid, controller_id_);
    EXPECT_EQ(std::string(id.sn, 8), "MC0001  ");
    EXPECT_EQ(std::string(id.subnqn), test::kSubsystem);
    EXPECT_EQ(id.cntrltype, NVME_CTRL_CNTRLTYPE_IO);
    EXPECT_EQ(id.mdts, 8) << "1 MiB of pages of 4 KiB";
    EXPECT_EQ(id.ioccsz, (64U + 8192U) / 16);
    EXPECT_EQ(id.iorcsz, 1U);
    EXPECT_GT(id.kas, 0);
    EXPECT_NE(id.sgls & 3U, 0U);
    EXPECT_EQ(id.maxcmd, 128);
}

TEST_F(NvmeTargetAdmin, IdentifyNamespaces) {
    const auto id = test::read<nvme_id_ns>(identify(NVME_IDENTIFY_CNS_NS, 3).data);
    EXPECT_EQ(id.nsze, (8U << 20U) / 4096);
    EXPECT_EQ(id.lbaf[0].ds, 12);
    EXPECT_EQ(id.nguid[0], 3);
    const auto nobody = identify(NVME_IDENTIFY_CNS_NS, 2);
    EXPECT_EQ(nobody.status(), 0);
    EXPECT_EQ(nobody.data, Bytes(4096));
    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_NS, 0).code(), NVME_SC_INVALID_NS);
    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_NS, 0xffffffff).code(), NVME_SC_INVALID_NS);

    const Bytes active = identify(NVME_IDENTIFY_CNS_NS_ACTIVE_LIST).data;
    EXPECT_EQ(test::read<std::uint32_t>(active, 0), 1U);
    EXPECT_EQ(test::read<std::uint32_t>(active, 4), 3U);
    EXPECT_EQ(test::read<std::uint32_t>(active, 8), 0U);
    EXPECT_EQ(test::read<std::uint32_t>(identify(NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 1).data), 3U);
    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0xffffffff).code(), NVME_SC_INVALID_NS);

    const Bytes descriptors = identify(NVME_IDENTIFY_CNS_NS_DESC_LIST, 3).data;
    EXPECT_EQ(test::read<std::uint8_t>(descriptors, 0), NVME_NIDT_NGUID);
    EXPECT_EQ(test::read<std::uint8_t>(descriptors, 4), 3);
    EXPECT_EQ(test::read<std::uint8_t>(descriptors, 20), NVME_NIDT_UUID);
    EXPECT_EQ(test::read<std::uint8_t>(descriptors, 24 + 15), 3);
    EXPECT_EQ(test::read<std::uint8_t>(descriptors, 40), 0);
    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_NS_DESC_LIST, 2).code(), NVME_SC_INVALID_NS);

    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_CSI_CTRL).status(), 0);
    EXPECT_EQ(identify(NVME_IDENTIFY_CNS_CSI_NS, 1).status(), 0);
    for (const int what : {0x04, 0x08, 0x10, 0x13, 0x1c, 0xff}) {
        EXPECT_EQ(identify(static_cast<std::uint8_t>(what)).code(), NVME_SC_INVALID_FIELD) << what;
    }
}

TEST_F(NvmeTargetAdmin, Properties) {
    EXPECT_EQ(admin_->getProperty(NVME_REG_VS).completion.result, 0x10400U);
    const auto capabilities = admin_->getProperty(NVME_REG_CAP, true);
    EXPECT_EQ(capabilities.completion.result & 0xffffU, 127U);
    EXPECT_EQ(capabilities.completion.result_high >> 5U & 1U, 1U) << "the NVM command set";
    EXPECT_EQ(admin_->getProperty(NVME_REG_CC).completion.result, TestHost::kEnabled);
    EXPECT_EQ(admin_->getProperty(NVME_REG_CSTS).completion.result, 1U);
    EXPECT_EQ(admin_->getProperty(NVME_REG_CAP).code(), NVME_SC_INVALID_FIELD) << "four of its eight bytes";
    EXPECT_EQ(admin_->getProperty(NVME_REG_NSSR).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(admin_->setProperty(NVME_REG_VS, 1).code(), NVME_SC_INVALID_FIELD);

    EXPECT_EQ(admin_->setProperty(NVME_REG_CC, TestHost::kEnabled | 1U << 14U).status(), 0);
    EXPECT_EQ(admin_->getProperty(NVME_REG_CSTS).completion.result >> 2U & 3U, 2U) << "shut down";
    EXPECT_EQ(admin_->setProperty(NVME_REG_CC, 0).status(), 0);
    EXPECT_EQ(admin_->getProperty(NVME_REG_CSTS).completion.result, 0U);
    EXPECT_EQ(admin_->setProperty(NVME_REG_CC, 1).status(), 0);
    EXPECT_EQ(admin_->getProperty(NVME_REG_CSTS).completion.result, 2U) << "entries of a size there is not";
}

TEST_F(NvmeTargetAdmin, IoNeedsAnEnabledController) {
    TestHost queue = connectQueue(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
    EXPECT_EQ(admin_->setProperty(NVME_REG_CC, 0).status(), 0);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_CMD_SEQ_ERROR);
}

TEST_F(NvmeTargetAdmin, Features) {
    EXPECT_EQ(setFeature(NVME_FEAT_FID_NUM_QUEUES, 7U | 3U << 16U).completion.result, 7U | 3U << 16U);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_NUM_QUEUES).completion.result, 7U | 3U << 16U);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_NUM_QUEUES, 1000U | 1000U << 16U).completion.result, 63U | 63U << 16U);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_NUM_QUEUES, 0xffff).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_KATO, 120000).status(), 0);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_KATO).completion.result, 120000U);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_ASYNC_EVENT, 0x100).status(), 0);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_ASYNC_EVENT).completion.result, 0x100U);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_VOLATILE_WC).completion.result, 1U);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_VOLATILE_WC, 1).status(), 0);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_VOLATILE_WC, 0).code(), 0x100 | NVME_SC_FEATURE_NOT_CHANGEABLE);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_POWER_MGMT, 0).status(), 0);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_POWER_MGMT, 1).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_TEMP_THRESH, 333).status(), 0);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_TEMP_THRESH).completion.result, 333U);
    const auto host = getFeature(NVME_FEAT_FID_HOST_ID, 1, 16);
    EXPECT_EQ(test::read<std::uint8_t>(host.data), 1);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_HOST_ID, 0, 8).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_HOST_ID, 1).code(), NVME_SC_CMD_SEQ_ERROR);
    EXPECT_EQ(getFeature(NVME_FEAT_FID_TIMESTAMP).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(getFeature(0xff).code(), NVME_SC_INVALID_FIELD);
    const auto saved = admin_->run({.opcode = nvme_admin_set_features, .cdw10 = 1U << 31U | NVME_FEAT_FID_KATO});
    EXPECT_EQ(saved.code(), 0x100 | NVME_SC_FEATURE_NOT_SAVEABLE);
}

TEST_F(NvmeTargetAdmin, LogPages) {
    EXPECT_EQ(identify(0xff).code(), NVME_SC_INVALID_FIELD);
    const auto errors = test::read<nvme_error_log_page>(log(NVME_LOG_LID_ERROR, 64).data);
    EXPECT_EQ(errors.error_count, 1U);
    EXPECT_EQ(errors.status_field >> 1U & 0x7ffU, NVME_SC_INVALID_FIELD);

    TestHost queue = connectQueue(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 256), 1 << 20).status(), 0);
    const auto health = test::read<nvme_smart_log>(log(NVME_LOG_LID_SMART, 512).data);
    EXPECT_EQ(health.host_reads[0], 1);
    EXPECT_EQ(health.data_units_read[0], 3) << "thousands of 512 bytes, rounded up";
    EXPECT_EQ(health.num_err_log_entries[0], 1);
    EXPECT_EQ(log(NVME_LOG_LID_SMART, 512, 0, false, 1).code(), NVME_SC_INVALID_FIELD) << "not for each namespace";
    EXPECT_EQ(log(NVME_LOG_LID_FW_SLOT, 512).status(), 0);
    const auto effects = test::read<nvme_cmd_effects_log>(log(NVME_LOG_LID_CMD_EFFECTS, 4096).data);
    EXPECT_EQ(effects.iocs[nvme_cmd_write] & 3U, 3U);
    EXPECT_EQ(effects.iocs[nvme_cmd_verify], 0U);

    const Bytes rest = log(NVME_LOG_LID_CMD_EFFECTS, 4096, 1024 + 4).data;
    EXPECT_EQ(test::read<std::uint32_t>(rest) & 3U, 3U) << "that of Write, by offset";
    EXPECT_EQ(log(NVME_LOG_LID_CMD_EFFECTS, 16, 4096).data, Bytes(16));
    EXPECT_EQ(log(NVME_LOG_LID_CMD_EFFECTS, 16, 4100).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(log(NVME_LOG_LID_CMD_EFFECTS, 16, 2).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(log(NVME_LOG_LID_DISCOVER, 1024).code(), 0x100 | NVME_SC_INVALID_LOG_PAGE);
    EXPECT_EQ(log(0xc0, 512).code(), 0x100 | NVME_SC_INVALID_LOG_PAGE);
    EXPECT_EQ(log(NVME_LOG_LID_ERROR, 2 << 20).code(), NVME_SC_INVALID_FIELD) << "longer than MDTS";
}

TEST_F(NvmeTargetAdmin, EventsTellOfNamespaces) {
    ASSERT_EQ(setFeature(NVME_FEAT_FID_ASYNC_EVENT, NVME_FEATURE_AENCFG_NOTICE_NAMESPACE_ATTRIBUTES).status(), 0);
    const std::uint16_t first = requestEvent();
    addMemory(5);
    const auto event = admin_->await(first);
    EXPECT_EQ(event.completion.result, NVME_AER_NOTICE | NVME_LOG_LID_CHANGED_NS << 16U);
    const std::uint16_t second = requestEvent();
    EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 3));
    EXPECT_EQ(changedNamespaces(true), (std::set<std::uint32_t>{3, 5})) << "told once, until the log is read";
    EXPECT_EQ(changedNamespaces(), (std::set<std::uint32_t>{3, 5}));
    EXPECT_EQ(changedNamespaces(), std::set<std::uint32_t>{});
    EXPECT_TRUE(target_->removeNamespace(test::kSubsystem, 5));
    EXPECT_EQ(admin_->await(second).completion.result, NVME_AER_NOTICE | NVME_LOG_LID_CHANGED_NS << 16U);
    EXPECT_EQ(changedNamespaces(), std::set<std::uint32_t>{5});
}

TEST_F(NvmeTargetAdmin, EventsThatNobodyAskedForWait) {
    addMemory(5);
    EXPECT_EQ(setFeature(NVME_FEAT_FID_ASYNC_EVENT, NVME_FEATURE_AENCFG_NOTICE_NAMESPACE_ATTRIBUTES).status(), 0);
    const auto event = admin_->await(requestEvent());
    EXPECT_EQ(event.completion.result, NVME_AER_NOTICE | NVME_LOG_LID_CHANGED_NS << 16U);
}

TEST_F(NvmeTargetAdmin, AbortAndLimitOfEventRequests) {
    std::vector<std::uint16_t> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(requestEvent());
    }
    EXPECT_EQ(admin_->await(requestEvent()).code(), 0x100 | NVME_SC_ASYNC_LIMIT);
    const std::uint16_t aborts = admin_->nextCommandId();
    admin_->send({.opcode = nvme_admin_abort_cmd,
                  .flags = SubmissionEntry::kUsesSgl,
                  .command_id = aborts,
                  .data = {.type = SglDescriptor::kTransport},
                  .cdw10 = std::uint32_t{waiting[1]} << 16U});
    EXPECT_EQ(admin_->await(waiting[1]).code(), NVME_SC_ABORT_REQ);
    EXPECT_EQ(admin_->await(aborts).completion.result, 0U);
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_abort_cmd, .cdw10 = 77U << 16U}).completion.result, 1U) << "none such";
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_abort_cmd, .cdw10 = 1U | 77U << 16U}).completion.result, 1U);
}

TEST_F(NvmeTargetAdmin, EventRequestWhoseIdentifierIsUsedAgainIsForgotten) {
    const std::uint16_t event = requestEvent();
    const std::uint16_t last = requestEvent();
    auto again = std::bit_cast<SubmissionEntry>(
        PropertyCommand{.command_id = last, .type = FabricsType::PropertyGet, .offset = NVME_REG_CC});
    again.data.type = SglDescriptor::kTransport;
    admin_->send(again);
    const auto answer = admin_->await(last);
    EXPECT_EQ(answer.status(), 0);
    EXPECT_EQ(answer.completion.result, TestHost::kEnabled);
    // The other one still waits, and there is room for three more.
    EXPECT_EQ(setFeature(NVME_FEAT_FID_ASYNC_EVENT, NVME_FEATURE_AENCFG_NOTICE_NAMESPACE_ATTRIBUTES).status(), 0);
    addMemory(5);
    EXPECT_EQ(admin_->await(event).completion.result, NVME_AER_NOTICE | NVME_LOG_LID_CHANGED_NS << 16U);
    for (int i = 0; i < 4; ++i) {
        requestEvent();
    }
    EXPECT_EQ(admin_->await(requestEvent()).code(), 0x100 | NVME_SC_ASYNC_LIMIT);
}

TEST_F(NvmeTargetAdmin, UnknownCommandsAreRefused) {
    for (const int opcode : {0x00, 0x01, 0x04, 0x05, 0x0d, 0x10, 0x11, 0x14, 0x80, 0x84, 0xc0}) {
        EXPECT_EQ(admin_->run({.opcode = static_cast<std::uint8_t>(opcode)}).code(), NVME_SC_INVALID_OPCODE) << opcode;
    }
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_keep_alive}).status(), 0);
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_identify, .cdw10 = 1}, 512).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(admin_->run({.opcode = nvme_admin_keep_alive}, 512).code(), NVME_SC_SGL_INVALID_DATA);
}

}  // namespace
}  // namespace mc::nvme
