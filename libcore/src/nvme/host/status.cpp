#include "nvme/host/status.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <cstddef>

#include "nvme/wire/fabrics.h"

namespace mc::nvme::host {
namespace {

constexpr std::uint16_t kTypeShift = 8;
constexpr std::uint16_t commandSpecific(std::uint16_t code) {
    return static_cast<std::uint16_t>((NVME_SCT_CMD_SPECIFIC << kTypeShift) | code);
}

const char* generic(std::uint16_t code) {
    switch (code) {
        case NVME_SC_SUCCESS:
            return "success";
        case NVME_SC_INVALID_OPCODE:
            return "invalid command opcode";
        case NVME_SC_INVALID_FIELD:
            return "invalid field in command";
        case NVME_SC_DATA_XFER_ERROR:
            return "data transfer error";
        case NVME_SC_INTERNAL:
            return "internal error";
        case NVME_SC_ABORT_REQ:
            return "aborted";
        case NVME_SC_INVALID_NS:
            return "invalid namespace";
        case NVME_SC_NS_WRITE_PROTECTED:
            return "namespace is write protected";
        case NVME_SC_LBA_RANGE:
            return "LBA out of range";
        case NVME_SC_CAP_EXCEEDED:
            return "capacity exceeded";
        case NVME_SC_NS_NOT_READY:
            return "namespace not ready";
        default:
            return nullptr;
    }
}

}  // namespace

std::string statusText(std::uint16_t status) {
    const std::uint16_t type = (status >> kTypeShift) & 7U;
    const char* known = type == NVME_SCT_GENERIC ? generic(status & 0xffU) : nullptr;
    if (status == commandSpecific(NVME_SC_CONNECT_INVALID_HOST)) known = "host not allowed";
    if (type == NVME_SCT_MEDIA) known = "media error";
    return fmt::format("{} ({:#05x})", known == nullptr ? "refused" : known, status & 0x7ffU);
}

Error connectRefusal(const CompletionEntry& answer, const std::string& place, const std::string& subsystem_nqn,
                     const std::string& host_nqn) {
    const std::uint16_t status = answer.statusCode();
    switch (status) {
        case commandSpecific(NVME_SC_CONNECT_INVALID_HOST):
            return {ErrorCode::NotPermitted, fmt::format("{}: {} does not admit this host", place, subsystem_nqn),
                    fmt::format("its owner has to allow {}", host_nqn)};
        case commandSpecific(NVME_SC_CONNECT_INVALID_PARAM): {
            // The offset of the parameter, and whether it is in the data.
            constexpr std::uint32_t kInData = 1U << 16;
            if (answer.result == (kInData | offsetof(ConnectData, subsystem_nqn))) {
                return {ErrorCode::NotFound, fmt::format("{}: no subsystem {}", place, subsystem_nqn),
                        "the discovery log tells what is there"};
            }
            return {ErrorCode::Protocol,
                    fmt::format("{}: connect to {}: invalid parameter at byte {} of its {}", place, subsystem_nqn,
                                answer.result & 0xffffU, (answer.result & kInData) != 0 ? "data" : "command"),
                    {}};
        }
        case commandSpecific(NVME_SC_CONNECT_CTRL_BUSY):
            return {ErrorCode::Busy, fmt::format("{}: {} has no controller to spare", place, subsystem_nqn), {}};
        case commandSpecific(NVME_SC_AUTH_REQUIRED):
            return {ErrorCode::NotPermitted, fmt::format("{}: {} wants to know who we are", place, subsystem_nqn),
                    "a key is needed for this host"};
        default:
            return {ErrorCode::Unavailable,
                    fmt::format("{}: connect to {}: {}", place, subsystem_nqn, statusText(status)),
                    {}};
    }
}

}  // namespace mc::nvme::host
