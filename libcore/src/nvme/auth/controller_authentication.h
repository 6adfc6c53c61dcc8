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

struct ControllerAuthenticationOptions {
    std::string host_nqn;
    std::string subsystem_nqn;
    AuthenticationKey host_key;
    std::optional<AuthenticationKey> controller_key;  ///< Ours, for a host that asks for it.
    AuthenticationPolicy policy;
};

/// The target's side of DH-HMAC-CHAP for one queue: what Authentication Send has brought goes in, what Authentication
/// Receive asks for comes out. No I/O, no time; the caller ends a queue whose host takes too long. One thread.
///
/// A message that is refused does not fail its Authentication Send; the host learns of it by the AUTH_Failure1 that it
/// receives next, after which the connection is to be ended.
class ControllerAuthentication {
  public:
    explicit ControllerAuthentication(ControllerAuthenticationOptions options);

    /// Takes the data of an Authentication Send.
    void receive(std::span<const std::byte> message);
    /// How much room an Authentication Receive has to offer; with less it fails with Invalid Field, and nothing
    /// changes.
    std::size_t needed() const;
    /// The data of an Authentication Receive, to be filled up with zeros to the length that the host has allocated.
    /// Empty if the connection is to be ended instead.
    std::vector<std::byte> next();

    /// The host has proved who it is. Remains so while it does it anew, until that fails.
    bool done() const { return authenticated_; }
    /// The connection is to be ended, once the host has fetched why if hasMessage(). No way back.
    bool failed() const { return state_ == State::SendFailure1 || state_ == State::Failed; }
    bool hasMessage() const { return !pending_.empty(); }
    /// For logs: why it failed. Without secrets.
    const std::string& reason() const { return reason_; }

  private:
    enum class State : std::uint8_t {
        AwaitNegotiate = 0,
        SendChallenge = 1,  ///< The host has to fetch it.
        AwaitReply = 2,
        SendSuccess1 = 3,   ///< The host has to fetch it.
        AwaitSuccess2 = 4,  ///< Only if the host has asked for our response.
        Done = 5,           ///< May begin anew at any time.
        SendFailure1 = 6,   ///< The host should fetch it.
        Failed = 7,
    };

    void negotiate(std::span<const std::byte> message);
    bool choose(const auth::Negotiation& negotiation);
    bool challenge();
    void reply(std::span<const std::byte> message);
    bool agreeOnSessionKey(const auth::ReplyContent& content);
    bool verify(const auth::ReplyContent& content);
    bool answer(const auth::ReplyContent& content);
    void succeed();
    bool fail(auth::Explanation explanation, const std::string& why);

    auth::Parties parties_;
    AuthenticationKey host_key_;
    std::optional<AuthenticationKey> controller_key_;
    AuthenticationPolicy policy_;

    State state_ = State::AwaitNegotiate;
    bool authenticated_ = false;
    bool bidirectional_ = false;
    auth::Transaction transaction_;
    std::optional<auth::DhKey> dh_;
    auth::Challenge challenge_;
    std::vector<std::byte> pending_;
    std::string reason_;
};

}  // namespace mc::nvme
