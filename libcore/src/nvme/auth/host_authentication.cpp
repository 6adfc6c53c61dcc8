#include "nvme/auth/host_authentication.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mc::nvme {

using auth::Explanation;
using auth::MessageKind;

HostAuthentication::HostAuthentication(HostAuthenticationOptions options)
    : parties_{std::move(options.host_nqn), std::move(options.subsystem_nqn)},
      host_key_(options.host_key),
      controller_key_(options.controller_key),
      policy_(std::move(options.policy)),
      transaction_{.id = options.transaction},
      pending_(auth::encodeNegotiate(options.transaction, policy_.hashes, policy_.groups)) {}

void HostAuthentication::receive(std::span<const std::byte> message) {
    if (failed()) return;
    const auto header = auth::parseHeader(message);
    if (!header) {
        fail(Explanation::IncorrectPayload, "a message without a header");
        return;
    }
    if (header->kind == MessageKind::Failure1) {
        const auto failure = auth::parseFailure(message);
        if (awaitsVerdict() && failure && failure->explanation == Explanation::Failed)
            key_in_doubt_ = controller_key_ ? KeyInDoubt::Both : KeyInDoubt::Host;  // It may have none to prove.
        state_ = State::Failed;
        pending_.clear();
        reason_ =
            fmt::format("refused by the controller: {}", failure ? toString(failure->explanation) : "no reason given");
        return;
    }
    const bool expected = (header->kind == MessageKind::Challenge && state_ == State::AwaitChallenge) ||
                          (header->kind == MessageKind::Success1 && state_ == State::AwaitSuccess1);
    if (!expected) {
        fail(Explanation::IncorrectMessage,
             fmt::format("message {:#06x} in state {}", std::to_underlying(header->kind), std::to_underlying(state_)));
    } else if (header->transaction != transaction_.id) {
        fail(Explanation::IncorrectPayload, "a message of another transaction");
    } else if (header->kind == MessageKind::Challenge) {
        accept(message);
    } else {
        conclude(message);
    }
}

std::vector<std::byte> HostAuthentication::next() {
    if (state_ == State::SendNegotiate) {
        state_ = State::AwaitChallenge;
    } else if (state_ == State::SendReply) {
        state_ = State::AwaitSuccess1;
    } else if (state_ == State::SendSuccess2) {
        state_ = State::Done;
    } else if (state_ == State::SendFailure2) {
        state_ = State::Failed;
    }
    return std::exchange(pending_, {});
}

void HostAuthentication::accept(std::span<const std::byte> message) {
    const auto content = auth::parseChallenge(message);
    if (!content || content->sequence == 0) {
        fail(Explanation::IncorrectPayload, "a malformed Challenge");
    } else if (choose(*content) && agreeOnSessionKey(*content) && answer(*content)) {
        dh_.reset();
        state_ = State::SendReply;
    }
}

bool HostAuthentication::choose(const auth::ChallengeContent& content) {
    const auto hash = auth::hashOf(content.hash);
    if (!hash || std::ranges::count(policy_.hashes, *hash) == 0)
        return fail(Explanation::HashNotUsable, "the controller has chosen a hash function that was not offered");
    const auto group = auth::dhGroupOf(content.group);
    if (!group || std::ranges::count(policy_.groups, *group) == 0)
        return fail(Explanation::GroupNotUsable, "the controller has chosen a DH group that was not offered");
    if (content.challenge.size() != auth::lengthOf(*hash))
        return fail(Explanation::IncorrectPayload, "a challenge of a wrong length");
    if (content.dh_value.size() != auth::lengthOf(*group))
        return fail(Explanation::IncorrectPayload, "a public value of a wrong length");
    transaction_.hash = *hash;
    transaction_.group = *group;
    return true;
}

bool HostAuthentication::agreeOnSessionKey(const auth::ChallengeContent& content) {
    if (transaction_.group == auth::DhGroup::Null) return true;
    auto own = auth::DhKey::generate(transaction_.group);
    if (!own) return fail(Explanation::Failed, own.error().message);
    auto key = own->sessionKey(transaction_.hash, content.dh_value);
    if (!key) return fail(Explanation::IncorrectPayload, key.error().message);
    dh_.emplace(std::move(*own));
    transaction_.session_key = *key;
    return true;
}

bool HostAuthentication::answer(const auth::ChallengeContent& content) {
    const auth::Challenge theirs{content.sequence, auth::SecretBytes(content.challenge)};
    const auto response = auth::hostResponse(host_key_, parties_, transaction_, theirs);
    if (!response) return fail(Explanation::Failed, response.error().message);
    auto own = auth::newChallenge(transaction_.hash);
    if (!own) return fail(Explanation::Failed, own.error().message);
    challenge_ = *own;
    // A sequence number of 0 would announce a secure channel: it is none without a challenge, either.
    pending_ =
        auth::encodeReply(transaction_.id, {.response = response->bytes(),
                                            .has_challenge = controller_key_.has_value(),
                                            .sequence = challenge_.sequence,
                                            .challenge = challenge_.value.bytes(),
                                            .dh_value = dh_ ? dh_->publicValue() : std::span<const std::byte>()});
    return true;
}

void HostAuthentication::conclude(std::span<const std::byte> message) {
    const auto content = auth::parseSuccess1(message);
    if (!content || content->hash_length != auth::lengthOf(transaction_.hash)) {
        fail(Explanation::IncorrectPayload, "a malformed Success1");
    } else if (!controller_key_ && content->has_response) {
        fail(Explanation::IncorrectPayload, "a response to no challenge");
    } else if (!controller_key_) {
        state_ = State::Done;
    } else if (verify(*content)) {
        state_ = State::SendSuccess2;
        pending_ = auth::encodeSuccess2(transaction_.id);
    }
    transaction_.session_key.reset();
}

bool HostAuthentication::verify(const auth::Success1Content& content) {
    key_in_doubt_ = KeyInDoubt::Controller;  // Unless all of it is right.
    if (!content.has_response)
        return fail(Explanation::Failed, "the controller does not prove who it is: has it no key for us?");
    const auto expected = auth::controllerResponse(*controller_key_, parties_, transaction_, challenge_);
    if (!expected) return fail(Explanation::Failed, expected.error().message);
    if (!expected->equals(content.response))
        return fail(Explanation::Failed, "the controller's response is wrong: another controller key?");
    key_in_doubt_ = KeyInDoubt::None;
    return true;
}

bool HostAuthentication::fail(Explanation explanation, const std::string& why) {
    state_ = State::SendFailure2;
    dh_.reset();
    transaction_.session_key.reset();
    reason_ = fmt::format("{} ({})", toString(explanation), why);
    pending_ = auth::encodeFailure(MessageKind::Failure2, transaction_.id, explanation);
    return false;
}

}  // namespace mc::nvme
