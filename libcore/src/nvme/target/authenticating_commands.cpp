#include "nvme/target/authenticating_commands.h"

#include <nvme/types.h>

#include <bit>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "nvme/auth/messages.h"
#include "nvme/target/connection.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

// Of what a host offers room for; longer than any message.
constexpr std::uint32_t kMaxRoom = 16 << 10;

bool isAuthentication(const SubmissionEntry& entry) {
    const auto type = std::bit_cast<FabricsCommand>(entry).type;
    return entry.opcode == kFabricsOpcode &&
           (type == FabricsType::AuthenticationSend || type == FabricsType::AuthenticationReceive);
}

}  // namespace

AuthenticatingCommands::AuthenticatingCommands(Connection& connection, std::shared_ptr<Controller> controller,
                                               ControllerAuthenticationOptions options,
                                               std::unique_ptr<CommandSet> commands)
    : connection_(connection),
      controller_(std::move(controller)),
      authentication_(std::move(options)),
      commands_(std::move(commands)) {}

Status AuthenticatingCommands::prepare(Command& command) {
    if (!isAuthentication(command.entry)) {
        return isOpen() ? commands_->prepare(command) : commandSpecificStatus(NVME_SC_AUTH_REQUIRED);
    }
    const auto request = std::bit_cast<AuthenticationCommand>(command.entry);
    const bool sends = request.type == FabricsType::AuthenticationSend;
    if (request.protocol != auth::kSecurityProtocol || request.specific0 != auth::kProtocolSpecific ||
        request.specific1 != auth::kProtocolSpecific || request.length == 0 ||
        request.length > (sends ? auth::kMaxMessageLength : kMaxRoom)) {
        return genericStatus(NVME_SC_INVALID_FIELD);
    }
    command.direction = sends ? Command::Direction::FromHost : Command::Direction::ToHost;
    command.length = request.length;
    return 0;
}

void AuthenticatingCommands::execute(Command& command) {
    if (!isAuthentication(command.entry)) return commands_->execute(command);
    if (command.direction == Command::Direction::FromHost) return send(command);
    receive(command);
}

void AuthenticatingCommands::send(Command& command) {
    authentication_.receive({command.data, command.length});
    if (authentication_.done()) controller_->setAuthenticated();
    connection_.complete(command, 0);
    endIfFailed();
}

void AuthenticatingCommands::receive(Command& command) {
    if (authentication_.needed() > command.length) {
        return connection_.complete(command, genericStatus(NVME_SC_INVALID_FIELD));
    }
    const auto message = authentication_.next();
    std::memcpy(command.data, message.data(), message.size());
    std::memset(command.data + message.size(), 0, command.length - message.size());
    if (authentication_.done()) controller_->setAuthenticated();
    connection_.complete(command, message.empty() ? genericStatus(NVME_SC_CMD_SEQ_ERROR) : Status{0});
    endIfFailed();
}

// Once the host has fetched why. It is told once, whatever the host goes on to send.
void AuthenticatingCommands::endIfFailed() {
    if (!authentication_.failed()) return;
    if (!std::exchange(reported_, true)) {
        log::warning("nvme target: {}: {} did not prove who it is: {}", connection_.peer(),
                     controller_->identity().host_nqn, authentication_.reason());
    }
    if (!authentication_.hasMessage()) connection_.closeAfterSending();
}

}  // namespace mc::nvme
