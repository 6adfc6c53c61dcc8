#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "nvme/wire/command.h"

/// The protocol data units of NVMe/TCP (NVM Express TCP Transport Specification 1.0, section 3.6), as they are on the
/// wire.
namespace mc::nvme {

static_assert(std::endian::native == std::endian::little, "the wire is little endian and written as it is in memory");

enum class PduType : std::uint8_t {
    InitializeConnectionRequest = 0x00,
    InitializeConnectionResponse = 0x01,
    HostToControllerTerminate = 0x02,
    ControllerToHostTerminate = 0x03,
    CapsuleCommand = 0x04,
    CapsuleResponse = 0x05,
    HostToControllerData = 0x06,
    ControllerToHostData = 0x07,
    ReadyToTransfer = 0x09,
};

/// PduHeader::flags. Which of them may be set depends on the type.
namespace pdu_flag {
inline constexpr std::uint8_t kHeaderDigest = 1U << 0;
inline constexpr std::uint8_t kDataDigest = 1U << 1;
inline constexpr std::uint8_t kLastPdu = 1U << 2;
inline constexpr std::uint8_t kSuccess = 1U << 3;
}  // namespace pdu_flag

inline constexpr std::size_t kDigestLength = 4;

/// The first eight bytes of every PDU.
struct PduHeader {
    PduType type{};
    std::uint8_t flags = 0;
    std::uint8_t header_length = 0;  ///< Without digest; a constant for each type.
    std::uint8_t data_offset = 0;    ///< Of the data from the PDU's beginning; 0 without data.
    std::uint32_t length = 0;        ///< Of the whole PDU: header, digests, padding, data.
};
static_assert(sizeof(PduHeader) == 8);

struct InitializeConnection {
    PduHeader header;
    std::uint16_t version = 0;  ///< PFV; 0 is the only one.
    /// Request: HPDA, how the host wants data aligned: a multiple of dwords, less one; response: CPDA.
    std::uint8_t data_alignment = 0;
    std::uint8_t digests = 0;  ///< Bit 0: header, bit 1: data.
    /// Request: MAXR2T, how many may be outstanding for one command, less one. Response: MAXH2CDATA, bytes.
    std::uint32_t limit = 0;
    std::uint8_t reserved[112] = {};
};
static_assert(sizeof(InitializeConnection) == 128);

/// Why a side ends the connection. What it objects to follows, at most 128 bytes of it.
struct Terminate {
    PduHeader header;
    std::uint16_t status = 0;  ///< FES.
    std::uint32_t information() const { return information_low | (std::uint32_t{information_high} << 16U); }
    std::uint16_t information_low = 0;  ///< FEI: the offset of the field, or the digest that was expected.
    std::uint16_t information_high = 0;
    std::uint8_t reserved[10] = {};
};
static_assert(sizeof(Terminate) == 24);
inline constexpr std::size_t kMaxTerminateData = 128;

/// Terminate::status.
namespace fatal {
inline constexpr std::uint16_t kInvalidPduHeaderField = 0x01;
inline constexpr std::uint16_t kPduSequenceError = 0x02;
inline constexpr std::uint16_t kHeaderDigestError = 0x03;
inline constexpr std::uint16_t kDataTransferOutOfRange = 0x04;
inline constexpr std::uint16_t kDataTransferLimitExceeded = 0x05;
inline constexpr std::uint16_t kUnsupportedParameter = 0x06;
}  // namespace fatal

/// A command, its in-capsule data behind it.
struct CapsuleCommand {
    PduHeader header;
    SubmissionEntry command;
};
static_assert(sizeof(CapsuleCommand) == 72);

struct CapsuleResponse {
    PduHeader header;
    CompletionEntry completion;
};
static_assert(sizeof(CapsuleResponse) == 24);

/// HostToControllerData and ControllerToHostData; the data follows.
struct DataPdu {
    PduHeader header;
    std::uint16_t command_id = 0;
    std::uint16_t transfer_tag = 0;  ///< Of the ReadyToTransfer that asked for it; controller to host: reserved.
    std::uint32_t data_offset = 0;   ///< In the command's data.
    std::uint32_t data_length = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(DataPdu) == 24);

struct ReadyToTransfer {
    PduHeader header;
    std::uint16_t command_id = 0;
    std::uint16_t transfer_tag = 0;
    std::uint32_t data_offset = 0;  ///< Of what is wanted, in the command's data.
    std::uint32_t data_length = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(ReadyToTransfer) == 24);

}  // namespace mc::nvme
