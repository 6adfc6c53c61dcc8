#include "nvme/target/features.h"

#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mc::nvme {
namespace {

constexpr std::uint32_t kSave = 1U << 31U;           // Of Set Features.
constexpr std::uint32_t kSelect = 7U << 8U;          // Of Get Features: other values than the current one.
constexpr std::uint32_t kExtendedHostId = 1U << 0U;  // Of FID 81h.
constexpr std::uint32_t kWriteCacheOn = 1;

using Outcome = std::expected<std::uint32_t, Status>;

std::unexpected<Status> refuse(Status status) {
    return std::unexpected(status);
}

std::uint8_t featureOf(const SubmissionEntry& entry) {
    return static_cast<std::uint8_t>(entry.cdw10);
}

}  // namespace

std::uint32_t* Features::plainValue(std::uint8_t feature) {
    switch (feature) {
        case NVME_FEAT_FID_ARBITRATION:
            return &arbitration_;
        case NVME_FEAT_FID_TEMP_THRESH:
            return &temperature_threshold_;
        case NVME_FEAT_FID_ERR_RECOVERY:
            return &error_recovery_;
        case NVME_FEAT_FID_WRITE_ATOMIC:
            return &write_atomicity_;
        default:
            return nullptr;
    }
}

// As many as were asked for, as far as they go; all numbers are less one.
std::uint32_t Features::queueCounts(std::uint32_t submission, std::uint32_t completion) const {
    const std::uint32_t most = max_io_queues_ - 1U;
    return std::min(submission, most) | std::min(completion, most) << 16U;
}

Outcome Features::dataLength(const SubmissionEntry& entry) const {
    if ((entry.cdw10 & kSelect) != 0) return refuse(genericStatus(NVME_SC_INVALID_FIELD));
    if (featureOf(entry) != NVME_FEAT_FID_HOST_ID) return 0;
    // Over fabrics there is only the long one.
    if ((entry.cdw11 & kExtendedHostId) == 0) return refuse(genericStatus(NVME_SC_INVALID_FIELD));
    return static_cast<std::uint32_t>(controller_.identity().host_id.size());
}

Outcome Features::get(const SubmissionEntry& entry, std::byte* data) const {
    switch (featureOf(entry)) {
        case NVME_FEAT_FID_POWER_MGMT:
            return 0;  // There is one state.
        case NVME_FEAT_FID_VOLATILE_WC:
            if (controller_.isDiscovery()) break;
            return kWriteCacheOn;
        case NVME_FEAT_FID_NUM_QUEUES:
            if (controller_.isDiscovery()) break;
            return granted_queues_ == 0xffffffff ? queueCounts(0xffff, 0xffff) : granted_queues_;
        case NVME_FEAT_FID_ASYNC_EVENT:
            return events_.enabled();
        case NVME_FEAT_FID_KATO:
            return keep_alive_ms_;
        case NVME_FEAT_FID_HOST_ID:
            std::memcpy(data, controller_.identity().host_id.data(), controller_.identity().host_id.size());
            return 0;
        default:
            if (const auto* value = const_cast<Features*>(this)->plainValue(featureOf(entry))) return *value;
            break;
    }
    return refuse(genericStatus(NVME_SC_INVALID_FIELD));
}

Outcome Features::set(const SubmissionEntry& entry) {
    if ((entry.cdw10 & kSave) != 0) return refuse(commandSpecificStatus(NVME_SC_FEATURE_NOT_SAVEABLE));
    switch (featureOf(entry)) {
        case NVME_FEAT_FID_POWER_MGMT:
            if ((entry.cdw11 & 0x1fU) != 0) break;
            return 0;
        case NVME_FEAT_FID_VOLATILE_WC:
            if (controller_.isDiscovery()) break;
            // The devices' caches are not this controller's to switch off.
            if ((entry.cdw11 & 1U) == 0) return refuse(commandSpecificStatus(NVME_SC_FEATURE_NOT_CHANGEABLE));
            return 0;
        case NVME_FEAT_FID_NUM_QUEUES: {
            const std::uint32_t submission = entry.cdw11 & 0xffffU;
            const std::uint32_t completion = entry.cdw11 >> 16U;
            if (controller_.isDiscovery() || submission == 0xffff || completion == 0xffff) break;
            granted_queues_ = queueCounts(submission, completion);
            return granted_queues_;
        }
        case NVME_FEAT_FID_ASYNC_EVENT:
            events_.enable(entry.cdw11);
            return 0;
        case NVME_FEAT_FID_KATO:
            keep_alive_ms_ = entry.cdw11;
            return 0;
        case NVME_FEAT_FID_HOST_ID:
            return refuse(genericStatus(NVME_SC_CMD_SEQ_ERROR));  // Connect has told it.
        default:
            if (auto* value = plainValue(featureOf(entry))) {
                *value = entry.cdw11;
                return 0;
            }
            break;
    }
    return refuse(genericStatus(NVME_SC_INVALID_FIELD));
}

}  // namespace mc::nvme
