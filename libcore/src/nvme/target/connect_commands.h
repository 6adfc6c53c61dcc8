#pragma once

#include "nvme/target/command_set.h"
#include "nvme/target/registry.h"

namespace mc::nvme {

/// Of a connection that is not yet a queue: Connect, which makes it one.
class ConnectCommands final : public CommandSet {
  public:
    explicit ConnectCommands(Connection& connection) : connection_(connection) {}

    Status prepare(Command& command) override;
    void execute(Command& command) override;
    void onDevice(Command& /*command*/, int /*error*/) override {}

  private:
    Registry::Outcome connect(const ConnectCommand& command, const ConnectData& data);
    std::unique_ptr<CommandSet> makeCommands(const ConnectCommand& command, std::shared_ptr<Controller> controller);

    Connection& connection_;
};

}  // namespace mc::nvme
