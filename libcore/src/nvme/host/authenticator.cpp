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

Authenticator::Authenticator(AdminChannel& channel, const HostAuthenticationOptions& options, Proved proved,
                             AdminChannel::Fail fail)
    : channel_(channel),
      authentication_(options),
      subsystem_nqn_(options.subsystem_nqn),
      proved_(std::move(proved)),
      fail_(std::move(fail)) {}

void Authenticator::proceed() {
    if (authentication_.hasMessage()) return send();
    if (authentication_.failed()) return failed();
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

void Authenticator::failed() {
    fail_(Error{ErrorCode::NotPermitted,
                fmt::format("{}: authentication with {}: {}", channel_.queue().name(), subsystem_nqn_,
                            authentication_.reason()),
                {}});
}

}  // namespace mc::nvme::host
