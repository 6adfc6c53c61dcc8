#include "nvme/host/authenticator.h"

#include <fmt/format.h>

#include <bit>

#include "nvme/wire/fabrics.h"

namespace mc::nvme::host {
namespace {

AdminCommand authenticationCommand(FabricsType type, std::span<std::byte> data) {
    AuthenticationCommand command;
    command.type = type;
    command.specific0 = auth::kProtocolSpecific;
    command.specific1 = auth::kProtocolSpecific;
    command.protocol = auth::kSecurityProtocol;
    command.length = static_cast<std::uint32_t>(data.size());
    const bool receives = type == FabricsType::AuthenticationReceive;
    return {.name = receives ? "Authentication Receive" : "Authentication Send",
            .entry = std::bit_cast<SubmissionEntry>(command),
            .data = data,
            .to_host = receives};
}

}  // namespace

Authenticator::Authenticator(AdminChannel& channel, const Options& options, Proved proved, AdminChannel::Fail fail)
    : channel_(channel),
      authentication_(options.handshake),
      host_nqn_(options.handshake.host_nqn),
      subsystem_nqn_(options.handshake.subsystem_nqn),
      host_key_option_(options.host_key_option),
      controller_key_option_(options.controller_key_option),
      proved_(std::move(proved)),
      fail_(std::move(fail)) {}

void Authenticator::proceed() {
    if (authentication_.hasMessage()) return send();
    if (authentication_.failed()) return fail_(failure());
    if (authentication_.done()) return proved_();
    receive();
}

void Authenticator::send() {
    message_ = authentication_.next();
    channel_.run(authenticationCommand(FabricsType::AuthenticationSend, message_),
                 [this](const CompletionEntry&) { proceed(); });
}

void Authenticator::receive() {
    message_.assign(auth::kMaxMessageLength, {});
    channel_.run(authenticationCommand(FabricsType::AuthenticationReceive, message_), [this](const CompletionEntry&) {
        authentication_.receive(message_);
        proceed();
    });
}

Error Authenticator::refused(std::string_view reason, HostAuthentication::KeyInDoubt key) const {
    return {
        ErrorCode::NotPermitted,
        fmt::format("{}: authentication with {} as {}: {}", channel_.queue().name(), subsystem_nqn_, host_nqn_, reason),
        key == HostAuthentication::KeyInDoubt::None
            ? std::string()
            : fmt::format("compare the line of {} in the target's --host-keys with {} here", host_nqn_,
                          optionsOf(key))};
}

std::string Authenticator::optionsOf(HostAuthentication::KeyInDoubt key) const {
    using enum HostAuthentication::KeyInDoubt;
    return key == Host         ? host_key_option_
           : key == Controller ? controller_key_option_
                               : fmt::format("{} and {}", host_key_option_, controller_key_option_);
}

Error Authenticator::failure() const {
    return refused(authentication_.reason(), authentication_.keyInDoubt());
}

std::optional<Error> Authenticator::reasonOfEnd() const {
    if (authentication_.failed()) return failure();
    if (!authentication_.awaitsVerdict()) return std::nullopt;
    return refused(
        "the target ended the connection instead of accepting our proof, most likely because our key is another one "
        "than it has for us",
        HostAuthentication::KeyInDoubt::Host);
}

}  // namespace mc::nvme::host
