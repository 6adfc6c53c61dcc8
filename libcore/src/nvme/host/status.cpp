#include "nvme/host/status.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "nvme/host/controller.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace host {
namespace {

constexpr std::uint16_t kTypeShift = 8;
constexpr std::uint16_t kTypeAndCode = 0x7ff;
constexpr std::uint16_t kPathRelated = 3;  // libnvme's NVME_SCT_PATH.

constexpr std::uint16_t typed(std::uint16_t type, std::uint16_t code) {
    return static_cast<std::uint16_t>((type << kTypeShift) | code);
}
constexpr std::uint16_t commandSpecific(std::uint16_t code) {
    return typed(NVME_SCT_CMD_SPECIFIC, code);
}
constexpr std::uint16_t media(std::uint16_t code) {
    return typed(NVME_SCT_MEDIA, code);
}
constexpr std::uint16_t path(std::uint16_t code) {
    return typed(kPathRelated, code);
}

struct Meaning {
    std::uint16_t status;
    std::string_view words;
    std::string_view hint = {};
};

constexpr std::string_view kTargetKnows = "the target's own log may say what failed there";

// Those that targets of files and of devices send: this project's, Linux's and SPDK's.
constexpr std::array kMeanings = std::to_array<Meaning>({
    {NVME_SC_SUCCESS, "success"},
    {NVME_SC_INVALID_OPCODE, "invalid command opcode"},
    {NVME_SC_INVALID_FIELD, "invalid field in command"},
    {NVME_SC_CMDID_CONFLICT, "command identifier conflict"},
    {NVME_SC_DATA_XFER_ERROR, "data transfer error"},
    {NVME_SC_POWER_LOSS, "aborted for a loss of power"},
    {NVME_SC_INTERNAL, "internal error", kTargetKnows},
    {NVME_SC_ABORT_REQ, "aborted"},
    {NVME_SC_ABORT_QUEUE, "aborted with its queue"},
    {NVME_SC_INVALID_NS, "invalid namespace", "the target does not serve that file any more"},
    {NVME_SC_CMD_SEQ_ERROR, "command sequence error"},
    {NVME_SC_SGL_INVALID_DATA, "invalid length of data"},
    {NVME_SC_OP_DENIED, "operation denied"},
    {NVME_SC_NS_WRITE_PROTECTED, "namespace is write protected",
     "the target serves the file read-only, or may not write to it"},
    {NVME_SC_CMD_INTERRUPTED, "command interrupted"},
    {NVME_SC_TRAN_TPORT_ERROR, "transient transport error"},
    {NVME_SC_LBA_RANGE, "LBA out of range", "is the file shorter at the target than the segment says?"},
    {NVME_SC_CAP_EXCEEDED, "capacity exceeded",
     "the target's file system has no room for what is written, or a quota allows no more"},
    {NVME_SC_NS_NOT_READY, "namespace not ready"},
    {NVME_SC_RESERVATION_CONFLICT, "reservation conflict", "another host has reserved it"},
    {NVME_SC_FORMAT_IN_PROGRESS, "format in progress"},
    {commandSpecific(NVME_SC_CONNECT_INVALID_HOST), "host not allowed"},
    {commandSpecific(NVME_SC_READ_ONLY), "write to a read-only range"},
    {media(NVME_SC_WRITE_FAULT), "write fault", kTargetKnows},
    {media(NVME_SC_READ_ERROR), "unrecovered read error",
     "is the file shorter at the target than it was? the target's own log may say what failed there"},
    {media(NVME_SC_GUARD_CHECK), "guard check error"},
    {media(NVME_SC_APPTAG_CHECK), "application tag check error"},
    {media(NVME_SC_REFTAG_CHECK), "reference tag check error"},
    {media(NVME_SC_COMPARE_FAILED), "compare failure"},
    {media(NVME_SC_ACCESS_DENIED), "access denied", kTargetKnows},
    {media(NVME_SC_UNWRITTEN_BLOCK), "unwritten block"},
    {path(NVME_SC_ANA_INTERNAL_PATH_ERROR), "internal path error", kTargetKnows},
    {path(NVME_SC_ANA_PERSISTENT_LOSS), "namespace lost for good by this path"},
    {path(NVME_SC_ANA_INACCESSIBLE), "namespace inaccessible by this path"},
    {path(NVME_SC_ANA_TRANSITION), "path in transition"},
});

const Meaning* find(std::uint16_t status) {
    const auto found = std::ranges::find(kMeanings, status & kTypeAndCode, &Meaning::status);
    return found == kMeanings.end() ? nullptr : &*found;
}

}  // namespace

std::string_view statusWords(std::uint16_t status) {
    if (const Meaning* const known = find(status)) return known->words;
    constexpr std::uint16_t kVendorSpecific = 7;
    switch ((status & kTypeAndCode) >> kTypeShift) {
        case NVME_SCT_MEDIA:
            return "media error";
        case kPathRelated:
            return "path error";
        case kVendorSpecific:
            return "vendor specific";
        default:
            return "unknown status";
    }
}

std::string_view statusHint(std::uint16_t status) {
    const Meaning* const known = find(status);
    return known == nullptr ? std::string_view{} : known->hint;
}

std::string statusText(std::uint16_t status) {
    return fmt::format("{} ({:#05x})", statusWords(status), status & kTypeAndCode);
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
            return {ErrorCode::Unsupported,
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
            return {answer.doNotRetry() ? ErrorCode::Unsupported : ErrorCode::Unavailable,
                    fmt::format("{}: connect to {}: {}", place, subsystem_nqn, statusText(status)),
                    {}};
    }
}

}  // namespace host

bool isRefusal(const Error& cause) {
    switch (cause.code) {
        case ErrorCode::NotPermitted:
        case ErrorCode::NotFound:
        case ErrorCode::Unsupported:
        case ErrorCode::InvalidArgument:
        case ErrorCode::Config:
            return true;
        default:
            return false;
    }
}

}  // namespace mc::nvme
