#include "nvme/auth/controller_authentication.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mc::nvme {

using auth::Explanation;
using auth::MessageKind;

namespace {

/// The first of ours that is among theirs.
template <typename T>
std::optional<T> firstCommon(const std::vector<T>& ours, const std::vector<std::uint8_t>& theirs) {
    const auto found = std::ranges::find_if(
        ours, [&](T one) { return std::ranges::count(theirs, static_cast<std::uint8_t>(one)) > 0; });
    return found == ours.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

ControllerAuthentication::ControllerAuthentication(ControllerAuthenticationOptions options)
    : parties_{std::move(options.host_nqn), std::move(options.subsystem_nqn)},
      host_key_(options.host_key),
      controller_key_(options.controller_key),
      policy_(std::move(options.policy)) {}

void ControllerAuthentication::receive(std::span<const std::byte> message) {
    if (failed()) return;
    const auto header = auth::parseHeader(message);
    if (!header) {
        fail(Explanation::IncorrectPayload, "a message without a header");
        return;
    }
    if (header->kind == MessageKind::Negotiate && (state_ == State::AwaitNegotiate || state_ == State::Done)) {
        transaction_ = {.id = header->transaction};
        negotiate(message);
        return;
    }
    if (state_ == State::AwaitNegotiate) transaction_.id = header->transaction;
    if (header->kind == MessageKind::Failure2) {
        const auto failure = auth::parseFailure(message);
        state_ = State::Failed;
        authenticated_ = false;
        pending_.clear();
        reason_ = fmt::format("the host gives up: {}", failure ? toString(failure->explanation) : "no reason given");
        return;
    }
    const bool expected = (header->kind == MessageKind::Reply && state_ == State::AwaitReply) ||
                          (header->kind == MessageKind::Success2 && state_ == State::AwaitSuccess2);
    if (!expected) {
        fail(Explanation::IncorrectMessage,
             fmt::format("message {:#06x} in state {}", std::to_underlying(header->kind), std::to_underlying(state_)));
        return;
    }
    if (header->transaction != transaction_.id) {
        fail(Explanation::IncorrectPayload, "a message of another transaction");
        return;
    }
    if (header->kind == MessageKind::Reply) {
        reply(message);
    } else if (message.size() < sizeof(auth::Success2Message)) {
        fail(Explanation::IncorrectPayload, "a Success2 that is cut off");
    } else {
        succeed();
    }
}

std::size_t ControllerAuthentication::needed() const {
    return hasMessage() ? pending_.size() : sizeof(auth::FailureMessage);
}

std::vector<std::byte> ControllerAuthentication::next() {
    if (!hasMessage() && !failed()) fail(Explanation::IncorrectMessage, "the host receives where it has to send");
    if (state_ == State::SendChallenge) {
        state_ = State::AwaitReply;
    } else if (state_ == State::SendSuccess1 && bidirectional_) {
        state_ = State::AwaitSuccess2;
    } else if (state_ == State::SendSuccess1) {
        succeed();
    } else if (state_ == State::SendFailure1) {
        state_ = State::Failed;
    }
    return std::exchange(pending_, {});
}

void ControllerAuthentication::negotiate(std::span<const std::byte> message) {
    const auto negotiation = auth::parseNegotiate(message);
    if (!negotiation) {
        fail(Explanation::IncorrectPayload, "a malformed AUTH_Negotiate");
    } else if (negotiation->concatenation != 0) {
        fail(Explanation::ConcatenationMismatch, "the host asks for a secure channel, which is not offered here");
    } else if (!negotiation->dh_hmac_chap) {
        fail(Explanation::ProtocolNotUsable, "the host does not offer DH-HMAC-CHAP");
    } else if (choose(*negotiation) && challenge()) {
        state_ = State::SendChallenge;
    }
}

bool ControllerAuthentication::choose(const auth::Negotiation& negotiation) {
    const auto hash = firstCommon(policy_.hashes, negotiation.hashes);
    if (!hash) return fail(Explanation::HashNotUsable, "the host offers no hash function that is allowed here");
    const auto group = firstCommon(policy_.groups, negotiation.groups);
    if (!group) return fail(Explanation::GroupNotUsable, "the host offers no DH group that is allowed here");
    transaction_.hash = *hash;
    transaction_.group = *group;
    return true;
}

bool ControllerAuthentication::challenge() {
    dh_.reset();
    if (transaction_.group != auth::DhGroup::Null) {
        auto key = auth::DhKey::generate(transaction_.group);
        if (!key) return fail(Explanation::Failed, key.error().message);
        dh_.emplace(std::move(*key));
    }
    auto challenge = auth::newChallenge(transaction_.hash);
    if (!challenge) return fail(Explanation::Failed, challenge.error().message);
    challenge_ = *challenge;
    pending_ =
        auth::encodeChallenge(transaction_.id, {.hash = static_cast<std::uint8_t>(transaction_.hash),
                                                .group = static_cast<std::uint8_t>(transaction_.group),
                                                .sequence = challenge_.sequence,
                                                .challenge = challenge_.value.bytes(),
                                                .dh_value = dh_ ? dh_->publicValue() : std::span<const std::byte>()});
    return true;
}

void ControllerAuthentication::reply(std::span<const std::byte> message) {
    const auto content = auth::parseReply(message);
    if (!content || content->response.size() != auth::lengthOf(transaction_.hash)) {
        fail(Explanation::IncorrectPayload, "a malformed Reply");
    } else if (content->has_challenge && content->sequence == 0) {
        // What it would mean with a secure channel to come.
        fail(Explanation::IncorrectPayload, "a challenge with the sequence number 0");
    } else if (agreeOnSessionKey(*content) && verify(*content) && answer(*content)) {
        dh_.reset();
        transaction_.session_key.reset();
        state_ = State::SendSuccess1;
    }
}

bool ControllerAuthentication::agreeOnSessionKey(const auth::ReplyContent& content) {
    if (content.dh_value.size() != auth::lengthOf(transaction_.group))
        return fail(Explanation::IncorrectPayload, "a public value of a wrong length");
    if (!dh_) return true;
    auto key = dh_->sessionKey(transaction_.hash, content.dh_value);
    if (!key) return fail(Explanation::IncorrectPayload, key.error().message);
    transaction_.session_key = *key;
    return true;
}

bool ControllerAuthentication::verify(const auth::ReplyContent& content) {
    const auto expected = auth::hostResponse(host_key_, parties_, transaction_, challenge_);
    if (!expected) return fail(Explanation::Failed, expected.error().message);
    if (!expected->equals(content.response))
        return fail(Explanation::Failed, "the host's response is wrong: another key?");
    return true;
}

bool ControllerAuthentication::answer(const auth::ReplyContent& content) {
    bidirectional_ = content.has_challenge;
    auth::Success1Content success{.hash_length = static_cast<std::uint8_t>(auth::lengthOf(transaction_.hash))};
    if (!bidirectional_) {
        pending_ = auth::encodeSuccess1(transaction_.id, success);
        return true;
    }
    if (!controller_key_) return fail(Explanation::Failed, "the host asks for a proof, and no controller key is set");
    const auth::Challenge theirs{content.sequence, auth::SecretBytes(content.challenge)};
    const auto response = auth::controllerResponse(*controller_key_, parties_, transaction_, theirs);
    if (!response) return fail(Explanation::Failed, response.error().message);
    success.has_response = true;
    success.response = response->bytes();
    pending_ = auth::encodeSuccess1(transaction_.id, success);
    return true;
}

void ControllerAuthentication::succeed() {
    authenticated_ = true;
    state_ = State::Done;
}

bool ControllerAuthentication::fail(Explanation explanation, const std::string& why) {
    state_ = State::SendFailure1;
    authenticated_ = false;
    dh_.reset();
    transaction_.session_key.reset();
    reason_ = fmt::format("{} ({})", toString(explanation), why);
    pending_ = auth::encodeFailure(MessageKind::Failure1, transaction_.id, explanation);
    return false;
}

}  // namespace mc::nvme
