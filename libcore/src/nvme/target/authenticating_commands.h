#pragma once

#include <memory>

#include "nvme/auth/controller_authentication.h"
#include "nvme/target/command_set.h"
#include "nvme/target/controller.h"

namespace mc::nvme {

/// Of a queue whose host has to prove who it is: lets nothing but authentication commands through to the queue's own
/// command set before it has. It may do so again at any time.
class AuthenticatingCommands final : public CommandSet {
  public:
    AuthenticatingCommands(Connection& connection, std::shared_ptr<Controller> controller,
                           ControllerAuthenticationOptions options, std::unique_ptr<CommandSet> commands);

    Status prepare(Command& command) override;
    void execute(Command& command) override;
    bool forget(std::uint16_t command_id) override { return commands_->forget(command_id); }
    void onDevice(Command& command, int error) override { commands_->onDevice(command, error); }
    void onNamespace(std::uint32_t nsid) override { commands_->onNamespace(nsid); }
    void onDiscoveryChange() override { commands_->onDiscoveryChange(); }
    void onClose() override { commands_->onClose(); }
    bool isOpen() const override { return authentication_.done(); }

  private:
    void send(Command& command);
    void receive(Command& command);
    void endIfFailed();

    Connection& connection_;
    std::shared_ptr<Controller> controller_;
    ControllerAuthentication authentication_;
    std::unique_ptr<CommandSet> commands_;
    bool reported_ = false;
};

}  // namespace mc::nvme
