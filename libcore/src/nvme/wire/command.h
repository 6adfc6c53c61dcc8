#pragma once

#include <cstdint>

/// Commands and completions, as they are on the wire (NVM Express Base Specification 1.4, section 4). Opcodes, status
/// codes, and what identify, feature and log page commands carry come from libnvme's <nvme/types.h>.
namespace mc::nvme {

/// The data pointer of a command over fabrics: one SGL descriptor (Base Specification, section 4.4).
struct SglDescriptor {
    /// The upper half is the type: data block or transport data block; the lower the sub-type.
    static constexpr std::uint8_t kInCapsule = 0x01;  ///< Data block, sub-type offset: in the capsule, at `address`.
    static constexpr std::uint8_t kTransport = 0x5a;  ///< Transport data block: by data PDUs.

    std::uint64_t address = 0;
    std::uint32_t length = 0;
    std::uint8_t reserved[3] = {};
    std::uint8_t type = 0;
};
static_assert(sizeof(SglDescriptor) == 16);

struct SubmissionEntry {
    static constexpr std::uint8_t kUsesSgl = 0x40;  ///< Of `flags` (PSDT): required over fabrics.
    static constexpr std::uint8_t kFused = 0x03;    ///< Of `flags`.

    std::uint8_t opcode = 0;
    std::uint8_t flags = 0;
    std::uint16_t command_id = 0;
    std::uint32_t nsid = 0;
    std::uint32_t cdw2 = 0;
    std::uint32_t cdw3 = 0;
    std::uint64_t metadata = 0;
    SglDescriptor data;
    std::uint32_t cdw10 = 0;
    std::uint32_t cdw11 = 0;
    std::uint32_t cdw12 = 0;
    std::uint32_t cdw13 = 0;
    std::uint32_t cdw14 = 0;
    std::uint32_t cdw15 = 0;

    std::uint64_t startingBlock() const { return cdw10 | (std::uint64_t{cdw11} << 32U); }  ///< Of I/O commands.
};
static_assert(sizeof(SubmissionEntry) == 64);

struct CompletionEntry {
    std::uint32_t result = 0;
    std::uint32_t result_high = 0;
    std::uint16_t queue_head = 0;
    std::uint16_t queue_id = 0;  ///< Reserved over fabrics.
    std::uint16_t command_id = 0;
    /// Bit 0: phase, 0 over fabrics. Above it status code (8), type (3), retry delay (2), more, do not retry.
    std::uint16_t status = 0;

    std::uint16_t statusCode() const { return (status >> 1U) & 0x7ffU; }  ///< Code and type: NVME_SC_*.
    bool doNotRetry() const { return (status & 0x8000U) != 0; }
};
static_assert(sizeof(CompletionEntry) == 16);

}  // namespace mc::nvme
