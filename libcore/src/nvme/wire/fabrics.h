#pragma once

#include <cstddef>
#include <cstdint>

#include "nvme/wire/command.h"

/// The fabrics commands (NVM Express over Fabrics 1.1, section 3), as they are on the wire.
namespace mc::nvme {

inline constexpr std::uint8_t kFabricsOpcode = 0x7f;
inline constexpr const char* kDiscoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";
inline constexpr std::size_t kMaxNqnLength = 223;        // Without the terminating zero.
inline constexpr std::uint16_t kAnyController = 0xffff;  // CNTLID of the dynamic controller model.
inline constexpr std::uint16_t kAdminQueueMinEntries = 32;

enum class FabricsType : std::uint8_t {
    PropertySet = 0x00,
    Connect = 0x01,
    PropertyGet = 0x04,
    AuthenticationSend = 0x05,
    AuthenticationReceive = 0x06,
    Disconnect = 0x08,
};

/// What all of them have in common.
struct FabricsCommand {
    std::uint8_t opcode = kFabricsOpcode;
    std::uint8_t flags = SubmissionEntry::kUsesSgl;
    std::uint16_t command_id = 0;
    FabricsType type{};
    std::uint8_t reserved[59] = {};
};
static_assert(sizeof(FabricsCommand) == 64);

struct ConnectCommand {
    static constexpr std::uint8_t kNoFlowControl = 1U << 2;  ///< Of `attributes`: of the submission queue.

    std::uint8_t opcode = kFabricsOpcode;
    std::uint8_t flags = SubmissionEntry::kUsesSgl;
    std::uint16_t command_id = 0;
    FabricsType type = FabricsType::Connect;
    std::uint8_t reserved1[19] = {};
    SglDescriptor data;
    std::uint16_t record_format = 0;
    std::uint16_t queue_id = 0;
    std::uint16_t queue_size = 0;  ///< Less one.
    std::uint8_t attributes = 0;
    std::uint8_t reserved2 = 0;
    std::uint32_t keep_alive_timeout = 0;  ///< Milliseconds; admin queue.
    std::uint8_t reserved3[12] = {};
};
static_assert(sizeof(ConnectCommand) == 64);

struct ConnectData {
    std::uint8_t host_id[16] = {};
    std::uint16_t controller_id = kAnyController;
    std::uint8_t reserved1[238] = {};
    char subsystem_nqn[256] = {};
    char host_nqn[256] = {};
    std::uint8_t reserved2[256] = {};
};
static_assert(sizeof(ConnectData) == 1024);

struct PropertyCommand {
    std::uint8_t opcode = kFabricsOpcode;
    std::uint8_t flags = SubmissionEntry::kUsesSgl;
    std::uint16_t command_id = 0;
    FabricsType type{};
    std::uint8_t reserved1[35] = {};
    std::uint8_t attributes = 0;  ///< Bits 0..2: 0: four bytes, 1: eight.
    std::uint8_t reserved2[3] = {};
    std::uint32_t offset = 0;
    std::uint32_t value_low = 0;  ///< Set only.
    std::uint32_t value_high = 0;
    std::uint8_t reserved3[8] = {};
};
static_assert(sizeof(PropertyCommand) == 64);

/// AuthenticationSend and AuthenticationReceive.
struct AuthenticationCommand {
    std::uint8_t opcode = kFabricsOpcode;
    std::uint8_t flags = SubmissionEntry::kUsesSgl;
    std::uint16_t command_id = 0;
    FabricsType type{};
    std::uint8_t reserved1[19] = {};
    SglDescriptor data;
    std::uint8_t reserved2 = 0;
    std::uint8_t specific0 = 0;  ///< SPSP0.
    std::uint8_t specific1 = 0;  ///< SPSP1.
    std::uint8_t protocol = 0;   ///< SECP: 0xe9.
    std::uint32_t length = 0;    ///< Of the transfer, or of the room for it.
    std::uint8_t reserved3[16] = {};
};
static_assert(sizeof(AuthenticationCommand) == 64);

}  // namespace mc::nvme
