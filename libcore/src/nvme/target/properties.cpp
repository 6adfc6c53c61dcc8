#include "nvme/target/properties.h"

#include <nvme/types.h>

namespace mc::nvme {
namespace {

constexpr std::uint8_t kSizeMask = 0x7;  // Of the attributes.
constexpr std::uint8_t kFourBytes = 0;
constexpr std::uint8_t kEightBytes = 1;

constexpr std::uint64_t kReadyTimeout = 30;        // CAP.TO: units of 500 ms.
constexpr std::uint32_t kSubmissionEntrySize = 6;  // Powers of two.
constexpr std::uint32_t kCompletionEntrySize = 4;

std::uint64_t capabilities(std::uint16_t queue_entries) {
    return (static_cast<std::uint64_t>(queue_entries - 1) << NVME_CAP_MQES_SHIFT) |
           (std::uint64_t{1} << NVME_CAP_CQR_SHIFT) | (kReadyTimeout << NVME_CAP_TO_SHIFT) |
           (std::uint64_t{NVME_CAP_CSS_NVM} << NVME_CAP_CSS_SHIFT);
}

bool isUsable(std::uint32_t configuration) {
    return NVME_GET(configuration, CC_IOSQES) == kSubmissionEntrySize &&
           NVME_GET(configuration, CC_IOCQES) == kCompletionEntrySize && NVME_GET(configuration, CC_MPS) == 0 &&
           NVME_GET(configuration, CC_AMS) == NVME_CC_AMS_RR && NVME_GET(configuration, CC_CSS) == NVME_CC_CSS_NVM;
}

}  // namespace

std::expected<std::uint64_t, Status> Properties::get(const PropertyCommand& command) const {
    const std::uint8_t size = command.attributes & kSizeMask;
    if (command.offset == NVME_REG_CAP && size == kEightBytes) return capabilities(queue_entries_);
    if (size == kFourBytes) {
        switch (command.offset) {
            case NVME_REG_VS:
                return kVersion;
            case NVME_REG_CC:
                return configuration_;
            case NVME_REG_CSTS:
                return status_;
            default:
                break;
        }
    }
    return std::unexpected(genericStatus(NVME_SC_INVALID_FIELD));
}

Status Properties::set(const PropertyCommand& command) {
    if ((command.attributes & kSizeMask) != kFourBytes || command.offset != NVME_REG_CC) {
        return genericStatus(NVME_SC_INVALID_FIELD);
    }
    configure(command.value_low);
    return 0;
}

void Properties::configure(std::uint32_t value) {
    constexpr std::uint32_t kReady = 1U << NVME_CSTS_RDY_SHIFT;
    constexpr std::uint32_t kFatal = 1U << NVME_CSTS_CFS_SHIFT;
    constexpr std::uint32_t kShutDown = static_cast<std::uint32_t>(NVME_CSTS_SHST_CMPLT) << NVME_CSTS_SHST_SHIFT;
    const bool was_enabled = NVME_GET(configuration_, CC_EN) != 0;
    const bool enabled = NVME_GET(value, CC_EN) != 0;
    const bool shuts_down = NVME_GET(value, CC_SHN) != NVME_CC_SHN_NONE;
    configuration_ = value;
    if (enabled && !was_enabled) status_ = isUsable(value) ? kReady : kFatal;
    if (!enabled) status_ = 0;
    // Nothing is kept back here that would have to be written first.
    if (shuts_down) status_ |= kShutDown;
    controller_.setReady((status_ & kReady) != 0 && !shuts_down);
}

}  // namespace mc::nvme
