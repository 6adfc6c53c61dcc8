#pragma once

#include <memory>

#include "nvme/target/command_set.h"
#include "nvme/target/controller.h"

namespace mc::nvme {

/// Of an I/O queue: the NVM command set, and Disconnect.
class IoCommands final : public CommandSet {
  public:
    IoCommands(Connection& connection, std::shared_ptr<Controller> controller);

    Status prepare(Command& command) override;
    void execute(Command& command) override;
    void onDevice(Command& command, int error) override;
    void onNamespace(std::uint32_t nsid) override;
    void onClose() override;

  private:
    Status prepareTransfer(Command& command, Command::Direction direction) const;
    Status prepareZeroes(const Command& command) const;
    Status prepareDeallocate(Command& command) const;
    Status prepareFabrics(const Command& command) const;
    void transfer(Command& command);
    void compare(Command& command);
    void deallocate(Command& command);
    void fail(Command& command, int error);
    void finish(Command& command, Status status);

    Connection& connection_;
    std::shared_ptr<Controller> controller_;
    std::shared_ptr<const NamespaceTable> namespaces_;
    Controller::Traffic& traffic_;
};

}  // namespace mc::nvme
