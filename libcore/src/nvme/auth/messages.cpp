#include "nvme/auth/messages.h"

#include <algorithm>
#include <cstring>

namespace mc::nvme::auth {
namespace {

/// Takes what is in a message, front to back, and no more than there is.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> message) : rest_(message) {}

    template <typename T>
    std::optional<T> take() {
        if (rest_.size() < sizeof(T)) return std::nullopt;
        T value{};
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_ = rest_.subspan(sizeof(T));
        return value;
    }
    /// False, and `bytes` unchanged, if there are not so many.
    bool take(std::size_t size, std::span<const std::byte>& bytes) {
        if (rest_.size() < size) return false;
        bytes = rest_.first(size);
        rest_ = rest_.subspan(size);
        return true;
    }

  private:
    std::span<const std::byte> rest_;
};

template <typename T>
void append(std::vector<std::byte>& message, const T& part) {
    const auto bytes = std::as_bytes(std::span(&part, 1));
    message.insert(message.end(), bytes.begin(), bytes.end());
}

void append(std::vector<std::byte>& message, std::span<const std::byte> bytes) {
    message.insert(message.end(), bytes.begin(), bytes.end());
}

}  // namespace

const char* toString(Explanation explanation) {
    switch (explanation) {
        case Explanation::Failed:
            return "authentication failed";
        case Explanation::ProtocolNotUsable:
            return "authentication protocol not usable";
        case Explanation::ConcatenationMismatch:
            return "secure channel concatenation mismatch";
        case Explanation::HashNotUsable:
            return "hash function not usable";
        case Explanation::GroupNotUsable:
            return "DH group not usable";
        case Explanation::IncorrectPayload:
            return "incorrect payload";
        case Explanation::IncorrectMessage:
            return "incorrect protocol message";
    }
    return "an unknown reason";
}

std::optional<MessageHeader> parseHeader(std::span<const std::byte> message) {
    return Reader(message).take<MessageHeader>();
}

std::optional<Negotiation> parseNegotiate(std::span<const std::byte> message) {
    Reader reader(message);
    const auto header = reader.take<NegotiateHeader>();
    if (!header) return std::nullopt;
    Negotiation negotiation{.concatenation = header->concatenation};
    for (int i = 0; i < header->descriptors; ++i) {
        const auto descriptor = reader.take<ProtocolDescriptor>();
        if (!descriptor) return std::nullopt;
        if (descriptor->protocol != ProtocolDescriptor::kDhHmacChap || negotiation.dh_hmac_chap) continue;
        const auto& hashes = descriptor->hashes;
        const auto& groups = descriptor->groups;
        if (descriptor->hash_count > hashes.size() || descriptor->group_count > groups.size()) return std::nullopt;
        negotiation.dh_hmac_chap = true;
        negotiation.hashes.assign(hashes.begin(), hashes.begin() + descriptor->hash_count);
        negotiation.groups.assign(groups.begin(), groups.begin() + descriptor->group_count);
    }
    return negotiation;
}

std::optional<ChallengeContent> parseChallenge(std::span<const std::byte> message) {
    Reader reader(message);
    const auto header = reader.take<ChallengeHeader>();
    if (!header) return std::nullopt;
    ChallengeContent content{.hash = header->hash, .group = header->group, .sequence = header->sequence};
    if (!reader.take(header->hash_length, content.challenge) || !reader.take(header->dh_length, content.dh_value))
        return std::nullopt;
    return content;
}

std::optional<ReplyContent> parseReply(std::span<const std::byte> message) {
    Reader reader(message);
    const auto header = reader.take<ReplyHeader>();
    if (!header || header->has_challenge > 1) return std::nullopt;
    ReplyContent content{.has_challenge = header->has_challenge == 1, .sequence = header->sequence};
    if (!reader.take(header->hash_length, content.response) || !reader.take(header->hash_length, content.challenge) ||
        !reader.take(header->dh_length, content.dh_value)) {
        return std::nullopt;
    }
    return content;
}

std::optional<Success1Content> parseSuccess1(std::span<const std::byte> message) {
    Reader reader(message);
    const auto header = reader.take<Success1Header>();
    if (!header || header->has_response > 1) return std::nullopt;
    Success1Content content{.hash_length = header->hash_length, .has_response = header->has_response == 1};
    if (content.has_response && !reader.take(header->hash_length, content.response)) return std::nullopt;
    return content;
}

std::optional<FailureMessage> parseFailure(std::span<const std::byte> message) {
    return Reader(message).take<FailureMessage>();
}

std::vector<std::byte> encodeNegotiate(std::uint16_t transaction, std::span<const Hash> hashes,
                                       std::span<const DhGroup> groups) {
    ProtocolDescriptor descriptor{.protocol = ProtocolDescriptor::kDhHmacChap,
                                  .hash_count = static_cast<std::uint8_t>(hashes.size()),
                                  .group_count = static_cast<std::uint8_t>(groups.size())};
    std::ranges::transform(hashes, descriptor.hashes.begin(), [](Hash h) { return static_cast<std::uint8_t>(h); });
    std::ranges::transform(groups, descriptor.groups.begin(), [](DhGroup g) { return static_cast<std::uint8_t>(g); });
    std::vector<std::byte> message;
    append(message,
           NegotiateHeader{.header = {.kind = MessageKind::Negotiate, .transaction = transaction}, .descriptors = 1});
    append(message, descriptor);
    return message;
}

std::vector<std::byte> encodeChallenge(std::uint16_t transaction, const ChallengeContent& content) {
    std::vector<std::byte> message;
    append(message, ChallengeHeader{.header = {.kind = MessageKind::Challenge, .transaction = transaction},
                                    .hash_length = static_cast<std::uint8_t>(content.challenge.size()),
                                    .hash = content.hash,
                                    .group = content.group,
                                    .dh_length = static_cast<std::uint16_t>(content.dh_value.size()),
                                    .sequence = content.sequence});
    append(message, content.challenge);
    append(message, content.dh_value);
    return message;
}

std::vector<std::byte> encodeReply(std::uint16_t transaction, const ReplyContent& content) {
    std::vector<std::byte> message;
    append(message, ReplyHeader{.header = {.kind = MessageKind::Reply, .transaction = transaction},
                                .hash_length = static_cast<std::uint8_t>(content.response.size()),
                                .has_challenge = static_cast<std::uint8_t>(content.has_challenge ? 1 : 0),
                                .dh_length = static_cast<std::uint16_t>(content.dh_value.size()),
                                .sequence = content.sequence});
    append(message, content.response);
    if (content.has_challenge) {
        append(message, content.challenge);
    } else {
        message.resize(message.size() + content.response.size());
    }
    append(message, content.dh_value);
    return message;
}

std::vector<std::byte> encodeSuccess1(std::uint16_t transaction, const Success1Content& content) {
    std::vector<std::byte> message;
    append(message, Success1Header{.header = {.kind = MessageKind::Success1, .transaction = transaction},
                                   .hash_length = content.hash_length,
                                   .has_response = static_cast<std::uint8_t>(content.has_response ? 1 : 0)});
    if (content.has_response) append(message, content.response);
    message.resize(sizeof(Success1Header) + content.hash_length);
    return message;
}

std::vector<std::byte> encodeSuccess2(std::uint16_t transaction) {
    std::vector<std::byte> message;
    append(message, Success2Message{.header = {.kind = MessageKind::Success2, .transaction = transaction}});
    return message;
}

std::vector<std::byte> encodeFailure(MessageKind kind, std::uint16_t transaction, Explanation explanation) {
    std::vector<std::byte> message;
    append(message, FailureMessage{.header = {.kind = kind, .transaction = transaction}, .explanation = explanation});
    return message;
}

}  // namespace mc::nvme::auth
