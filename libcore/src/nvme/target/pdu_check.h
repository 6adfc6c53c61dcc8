#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "nvme/wire/pdu.h"

namespace mc::nvme {

/// Why a connection is ended: what a Terminate PDU tells.
struct Violation {
    std::uint16_t status = 0;       ///< FES.
    std::uint32_t information = 0;  ///< FEI.
};

/// What was agreed on with this host.
struct PduRules {
    bool header_digest = false;
    bool data_digest = false;
    std::uint32_t in_capsule_bytes = 0;
    std::uint32_t max_data_bytes = 0;  ///< MAXH2CDATA.
};

/// A PDU, taken apart.
struct PduLayout {
    std::uint32_t header_bytes = 0;  ///< Up to the data: header, its digest, padding.
    std::uint32_t data_bytes = 0;
    bool header_digest = false;
    bool data_digest = false;  ///< Behind the data.
};

/// The longest header_bytes there can be.
inline constexpr std::size_t kMaxHeaderBytes = 256;

/// Checks the first eight bytes of what a host sends (NVMe/TCP 1.0, section 3.6): type, lengths and offsets, flags.
std::expected<PduLayout, Violation> checkPdu(const PduHeader& header, const PduRules& rules);

}  // namespace mc::nvme
