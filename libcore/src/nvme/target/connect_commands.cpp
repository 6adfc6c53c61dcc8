#include "nvme/target/connect_commands.h"

#include <nvme/types.h>

#include <bit>
#include <cstring>

#include "nvme/auth/messages.h"
#include "nvme/target/admin_commands.h"
#include "nvme/target/authenticating_commands.h"
#include "nvme/target/connect_fields.h"
#include "nvme/target/connection.h"
#include "nvme/target/io_commands.h"
#include "nvme/target/worker.h"

namespace mc::nvme {
namespace {

const Status kInvalidParameter = commandSpecificStatus(NVME_SC_CONNECT_INVALID_PARAM);

const AllowedHost* hostOf(const Controller& controller) {
    const auto& identity = controller.identity();
    return identity.subsystem ? identity.subsystem->findHost(identity.host_nqn) : nullptr;
}

bool demandsProof(const Controller& controller) {
    const AllowedHost* const host = hostOf(controller);
    return host != nullptr && !host->key.empty();
}

// The keys were looked at when the subsystem was added.
ControllerAuthenticationOptions proofOf(const Controller& controller) {
    const AllowedHost& host = *hostOf(controller);
    std::optional<AuthenticationKey> ours;
    if (!host.controller_key.empty()) ours = AuthenticationKey::parse(host.controller_key).value();
    return {.host_nqn = controller.identity().host_nqn,
            .subsystem_nqn = controller.identity().subsystem->nqn(),
            .host_key = AuthenticationKey::parse(host.key).value(),
            .controller_key = std::move(ours),
            .policy = servingPolicy()};
}

}  // namespace

Status ConnectCommands::prepare(Command& command) {
    const auto& fabrics = std::bit_cast<FabricsCommand>(command.entry);
    if (fabrics.opcode != kFabricsOpcode || fabrics.type != FabricsType::Connect) {
        return genericStatus(NVME_SC_CMD_SEQ_ERROR);
    }
    command.direction = Command::Direction::FromHost;
    command.length = sizeof(ConnectData);
    return 0;
}

Registry::Outcome ConnectCommands::connect(const ConnectCommand& command, const ConnectData& data) {
    const auto& options = connection_.worker().options();
    if (command.record_format != 0) return {.status = commandSpecificStatus(NVME_SC_CONNECT_FORMAT)};
    // An admin queue may be as deep as hosts like it, within reason.
    const std::uint32_t most = std::max<std::uint32_t>(options.queue_entries, kAdminQueueMinEntries);
    if (command.queue_size == 0 || command.queue_size >= most) {
        return {.status = kInvalidParameter, .result = offsetof(ConnectCommand, queue_size)};
    }
    auto& registry = connection_.worker().registry();
    if (command.queue_id != 0) return registry.connectQueue(data, command.queue_id);
    Controller::Identity identity;
    identity.address = connection_.peer();
    identity.header_digest = connection_.headerDigest();
    identity.data_digest = connection_.dataDigest();
    return registry.connectAdmin(data, std::move(identity));
}

std::unique_ptr<CommandSet> ConnectCommands::makeCommands(const ConnectCommand& command,
                                                          std::shared_ptr<Controller> controller) {
    std::unique_ptr<CommandSet> commands;
    if (command.queue_id == 0) {
        commands = std::make_unique<AdminCommands>(connection_, controller,
                                                   std::chrono::milliseconds(command.keep_alive_timeout));
    } else {
        commands = std::make_unique<IoCommands>(connection_, controller);
    }
    if (!demandsProof(*controller)) return commands;
    ControllerAuthenticationOptions options = proofOf(*controller);
    return std::make_unique<AuthenticatingCommands>(connection_, std::move(controller), std::move(options),
                                                    std::move(commands));
}

void ConnectCommands::execute(Command& command) {
    const auto request = std::bit_cast<ConnectCommand>(command.entry);
    ConnectData data;
    std::memcpy(&data, command.data, sizeof(data));
    auto outcome = connect(request, data);
    if (outcome.status != 0) return connection_.complete(command, outcome.status, outcome.result);

    const bool authenticates = demandsProof(*outcome.controller);
    const std::uint32_t result = outcome.controller->id() | (authenticates ? auth::kAuthenticationRequired : 0U);
    auto commands = makeCommands(request, outcome.controller);
    Connection& connection = connection_;  // This object goes.
    connection.becomeQueue({.id = request.queue_id,
                            .entries = static_cast<std::uint16_t>(request.queue_size + 1),
                            .flow_control = (request.attributes & ConnectCommand::kNoFlowControl) == 0,
                            .controller = std::move(outcome.controller)},
                           std::move(commands));
    connection.complete(command, 0, result);
}

}  // namespace mc::nvme
