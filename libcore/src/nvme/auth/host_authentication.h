#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nvme/auth/challenge.h"
#include "nvme/auth/key.h"
#include "nvme/auth/messages.h"
#include "nvme/auth/policy.h"

namespace mc::nvme {

struct HostAuthenticationOptions {
    std::string host_nqn;
    std::string subsystem_nqn;
    AuthenticationKey host_key;
    std::optional<AuthenticationKey> controller_key;  ///< The controller has to prove that it has this one.
    std::uint16_t transaction = 0;                    ///< Another for each handshake with a controller.
    AuthenticationPolicy policy;
};

/// The initiator's side of DH-HMAC-CHAP for one queue. As long as hasMessage(), next() goes out by Authentication Send;
/// else, until done() or failed(), an Authentication Receive with room for kMaxMessageLength goes to receive(). No I/O,
/// no time; the caller gives up on a controller that takes too long. One thread.
class HostAuthentication {
  public:
    explicit HostAuthentication(HostAuthenticationOptions options);

    /// Takes what an Authentication Receive has brought, with or without what fills it up.
    void receive(std::span<const std::byte> message);
    /// The data of the next Authentication Send; empty if there is nothing to send.
    std::vector<std::byte> next();

    /// Both have proved what they had to prove, and nothing is left to be sent.
    bool done() const { return state_ == State::Done; }
    /// The connection is to be ended, once the controller has been told why if hasMessage(). No way back.
    bool failed() const { return state_ == State::SendFailure2 || state_ == State::Failed; }
    bool hasMessage() const { return !pending_.empty(); }
    /// The controller has our proof, and has not said yet what it thinks of it.
    bool awaitsVerdict() const { return state_ == State::AwaitSuccess1; }
    /// Which key may be another one at the controller, as far as the failure tells.
    enum class KeyInDoubt : std::uint8_t { None, Host, Controller, Both };
    KeyInDoubt keyInDoubt() const { return key_in_doubt_; }
    /// For messages and logs: why it failed, and who says so. Without secrets.
    const std::string& reason() const { return reason_; }

  private:
    enum class State : std::uint8_t {
        SendNegotiate = 0,
        AwaitChallenge = 1,
        SendReply = 2,
        AwaitSuccess1 = 3,
        SendSuccess2 = 4,  ///< Only if the controller had to prove who it is.
        Done = 5,
        SendFailure2 = 6,
        Failed = 7,
    };

    void accept(std::span<const std::byte> message);
    bool choose(const auth::ChallengeContent& content);
    bool agreeOnSessionKey(const auth::ChallengeContent& content);
    bool answer(const auth::ChallengeContent& content);
    void conclude(std::span<const std::byte> message);
    bool verify(const auth::Success1Content& content);
    bool fail(auth::Explanation explanation, const std::string& why);

    auth::Parties parties_;
    AuthenticationKey host_key_;
    std::optional<AuthenticationKey> controller_key_;
    AuthenticationPolicy policy_;

    State state_ = State::SendNegotiate;
    auth::Transaction transaction_;
    std::optional<auth::DhKey> dh_;
    auth::Challenge challenge_;  ///< Ours.
    std::vector<std::byte> pending_;
    KeyInDoubt key_in_doubt_ = KeyInDoubt::None;
    std::string reason_;
};

}  // namespace mc::nvme
