#include "nvme/target/pdu_check.h"

namespace mc::nvme {
namespace {

using Checked = std::expected<PduLayout, Violation>;

std::unexpected<Violation> badField(std::size_t offset) {
    return std::unexpected(Violation{fatal::kInvalidPduHeaderField, static_cast<std::uint32_t>(offset)});
}

constexpr std::size_t kFlagsAt = offsetof(PduHeader, flags);
constexpr std::size_t kHeaderLengthAt = offsetof(PduHeader, header_length);
constexpr std::size_t kDataOffsetAt = offsetof(PduHeader, data_offset);
constexpr std::size_t kLengthAt = offsetof(PduHeader, length);

// Without digest or data.
Checked checkPlain(const PduHeader& header, std::size_t length) {
    if (header.flags != 0) return badField(kFlagsAt);
    if (header.header_length != length) return badField(kHeaderLengthAt);
    if (header.data_offset != 0) return badField(kDataOffsetAt);
    if (header.length != length) return badField(kLengthAt);
    return PduLayout{.header_bytes = static_cast<std::uint32_t>(length)};
}

Checked checkTerminate(const PduHeader& header) {
    if (header.flags != 0) return badField(kFlagsAt);
    if (header.header_length != sizeof(Terminate)) return badField(kHeaderLengthAt);
    if (header.length < sizeof(Terminate) || header.length > sizeof(Terminate) + kMaxTerminateData) {
        return badField(kLengthAt);
    }
    return PduLayout{.header_bytes = sizeof(Terminate),
                     .data_bytes = header.length - static_cast<std::uint32_t>(sizeof(Terminate))};
}

// With a header of `length` bytes, `limit` bytes of data at most.
Checked checkWithData(const PduHeader& header, const PduRules& rules, std::size_t length, std::uint32_t limit) {
    if (header.header_length != length) return badField(kHeaderLengthAt);
    const bool header_digest = (header.flags & pdu_flag::kHeaderDigest) != 0;
    const bool data_digest = (header.flags & pdu_flag::kDataDigest) != 0;
    if (header_digest != rules.header_digest) return badField(kFlagsAt);
    const auto header_end = static_cast<std::uint32_t>(length + (header_digest ? kDigestLength : 0));
    PduLayout layout{.header_bytes = header_end, .header_digest = header_digest};
    if (header.length < header_end) return badField(kLengthAt);
    if (header.length == header_end) {
        // A data offset is reserved where there is no data; hosts leave one there. So is the digest's flag.
        return layout;
    }
    if (data_digest != rules.data_digest) return badField(kFlagsAt);
    // What is to be padded to is the controller's wish (CPDA), which is none.
    if (header.data_offset < header_end || header.data_offset % 4 != 0) return badField(kDataOffsetAt);
    const std::uint32_t overhead = header.data_offset + (data_digest ? static_cast<std::uint32_t>(kDigestLength) : 0U);
    if (header.length <= overhead) return badField(kLengthAt);
    layout.header_bytes = header.data_offset;
    layout.data_bytes = header.length - overhead;
    layout.data_digest = data_digest;
    if (layout.data_bytes > limit) return std::unexpected(Violation{fatal::kDataTransferLimitExceeded, kLengthAt});
    return layout;
}

}  // namespace

Checked checkPdu(const PduHeader& header, const PduRules& rules) {
    constexpr std::uint8_t kDigests = pdu_flag::kHeaderDigest | pdu_flag::kDataDigest;
    switch (header.type) {
        case PduType::InitializeConnectionRequest:
            return checkPlain(header, sizeof(InitializeConnection));
        case PduType::HostToControllerTerminate:
            return checkTerminate(header);
        case PduType::CapsuleCommand:
            if ((header.flags & ~kDigests) != 0) return badField(kFlagsAt);
            return checkWithData(header, rules, sizeof(CapsuleCommand), rules.in_capsule_bytes);
        case PduType::HostToControllerData:
            if ((header.flags & ~(kDigests | pdu_flag::kLastPdu)) != 0) return badField(kFlagsAt);
            return checkWithData(header, rules, sizeof(DataPdu), rules.max_data_bytes);
        case PduType::InitializeConnectionResponse:
        case PduType::ControllerToHostTerminate:
        case PduType::CapsuleResponse:
        case PduType::ControllerToHostData:
        case PduType::ReadyToTransfer:
            break;
    }
    return badField(offsetof(PduHeader, type));
}

}  // namespace mc::nvme
