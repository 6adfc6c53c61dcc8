#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nvme/auth/dh.h"
#include "nvme/auth/hash.h"

/// The messages of DH-HMAC-CHAP (NVM Express Base Specification 2.0, sections 8.13.2 and 8.13.5), which Authentication
/// Send and Authentication Receive carry: the fixed beginnings as they are on the wire, and what is in a message.
namespace mc::nvme::auth {

static_assert(std::endian::native == std::endian::little, "the wire is little endian and written as it is in memory");

/// What such commands' SECP, SPSP0 and SPSP1 are.
inline constexpr std::uint8_t kSecurityProtocol = 0xe9;
inline constexpr std::uint8_t kProtocolSpecific = 0x01;
/// Of Connect's result (ATR): this queue takes no other command before its host has authenticated.
inline constexpr std::uint32_t kAuthenticationRequired = 1U << 17;
/// No message is longer: a Reply with a value of ffdhe8192.
inline constexpr std::size_t kMaxMessageLength = 16 + 2 * 64 + 1024;

/// Type and identifier, as both are on the wire.
enum class MessageKind : std::uint16_t {
    Negotiate = 0x0000,
    Failure2 = 0xf000,  ///< The host's.
    Failure1 = 0xf100,  ///< The controller's.
    Challenge = 0x0101,
    Reply = 0x0201,
    Success1 = 0x0301,
    Success2 = 0x0401,
};

/// Why a side gives up; the reason code before it has one value only: authentication failure.
enum class Explanation : std::uint8_t {
    Failed = 1,
    ProtocolNotUsable = 2,
    ConcatenationMismatch = 3,
    HashNotUsable = 4,
    GroupNotUsable = 5,
    IncorrectPayload = 6,
    IncorrectMessage = 7,
};
const char* toString(Explanation explanation);
inline constexpr std::uint8_t kAuthenticationFailure = 1;

struct MessageHeader {
    MessageKind kind{};
    std::uint16_t reserved = 0;
    std::uint16_t transaction = 0;
};
static_assert(sizeof(MessageHeader) == 6);

struct NegotiateHeader {
    MessageHeader header;
    std::uint8_t concatenation = 0;  ///< SC_C: a secure channel is to be made of it; 0: none.
    std::uint8_t descriptors = 0;    ///< NAPD: so many follow.
};
static_assert(sizeof(NegotiateHeader) == 8);

/// What one protocol can do.
struct ProtocolDescriptor {
    static constexpr std::uint8_t kDhHmacChap = 1;

    std::uint8_t protocol = 0;
    std::uint8_t reserved = 0;
    std::uint8_t hash_count = 0;
    std::uint8_t group_count = 0;
    std::array<std::uint8_t, 30> hashes{};
    std::array<std::uint8_t, 30> groups{};
};
static_assert(sizeof(ProtocolDescriptor) == 64);

/// The challenge follows, then the public value of a group other than Null.
struct ChallengeHeader {
    MessageHeader header;
    std::uint8_t hash_length = 0;
    std::uint8_t reserved = 0;
    std::uint8_t hash = 0;
    std::uint8_t group = 0;
    std::uint16_t dh_length = 0;
    std::uint32_t sequence = 0;
};
static_assert(sizeof(ChallengeHeader) == 16);

/// The response follows, then as many bytes of a challenge, zero if there is none, then the public value.
struct ReplyHeader {
    MessageHeader header;
    std::uint8_t hash_length = 0;
    std::uint8_t reserved1 = 0;
    std::uint8_t has_challenge = 0;
    std::uint8_t reserved2 = 0;
    std::uint16_t dh_length = 0;
    std::uint32_t sequence = 0;
};
static_assert(sizeof(ReplyHeader) == 16);

/// The response follows, zero if there is none.
struct Success1Header {
    MessageHeader header;
    std::uint8_t hash_length = 0;
    std::uint8_t reserved1 = 0;
    std::uint8_t has_response = 0;
    std::uint8_t reserved2[7] = {};
};
static_assert(sizeof(Success1Header) == 16);

struct Success2Message {
    MessageHeader header;
    std::uint8_t reserved[10] = {};
};
static_assert(sizeof(Success2Message) == 16);

struct FailureMessage {
    MessageHeader header;
    std::uint8_t reason = kAuthenticationFailure;
    Explanation explanation{};
};
static_assert(sizeof(FailureMessage) == 8);

/// What a message says, whatever it says; spans point into it.
struct Negotiation {
    std::uint8_t concatenation = 0;
    bool dh_hmac_chap = false;  ///< Offered; what follows is its.
    std::vector<std::uint8_t> hashes;
    std::vector<std::uint8_t> groups;
};
struct ChallengeContent {
    std::uint8_t hash = 0;
    std::uint8_t group = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> challenge;
    std::span<const std::byte> dh_value;
};
struct ReplyContent {
    std::span<const std::byte> response;
    bool has_challenge = false;
    std::uint32_t sequence = 0;
    std::span<const std::byte> challenge;
    std::span<const std::byte> dh_value;
};
struct Success1Content {
    std::uint8_t hash_length = 0;
    bool has_response = false;
    std::span<const std::byte> response;
};

/// Nothing if the message is too short for what it claims to hold. What is behind it is ignored: Authentication
/// Receive may fill up the room that the host has given it. The header's kind is the caller's business.
std::optional<MessageHeader> parseHeader(std::span<const std::byte> message);
std::optional<Negotiation> parseNegotiate(std::span<const std::byte> message);
std::optional<ChallengeContent> parseChallenge(std::span<const std::byte> message);
std::optional<ReplyContent> parseReply(std::span<const std::byte> message);
std::optional<Success1Content> parseSuccess1(std::span<const std::byte> message);
std::optional<FailureMessage> parseFailure(std::span<const std::byte> message);

/// At most 30 of each.
std::vector<std::byte> encodeNegotiate(std::uint16_t transaction, std::span<const Hash> hashes,
                                       std::span<const DhGroup> groups);
std::vector<std::byte> encodeChallenge(std::uint16_t transaction, const ChallengeContent& content);
/// Without a challenge of its own, `challenge` is ignored.
std::vector<std::byte> encodeReply(std::uint16_t transaction, const ReplyContent& content);
/// Without a response, `response` is ignored.
std::vector<std::byte> encodeSuccess1(std::uint16_t transaction, const Success1Content& content);
std::vector<std::byte> encodeSuccess2(std::uint16_t transaction);
/// `kind` is Failure1 or Failure2.
std::vector<std::byte> encodeFailure(MessageKind kind, std::uint16_t transaction, Explanation explanation);

}  // namespace mc::nvme::auth
