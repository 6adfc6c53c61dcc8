#include "nvme/target/command_table.h"

namespace mc::nvme {
namespace {

constexpr std::uint16_t kConnectIndex = 0xffff;  // Never a transfer tag: there are fewer entries.

}  // namespace

CommandTable::CommandTable(Connection& connection) : connection_(connection) {
    connect_.connection = &connection;
    connect_.output.command = &connect_;
    connect_.index = kConnectIndex;
}

void CommandTable::grow(std::size_t entries) {
    commands_ = std::make_unique<Command[]>(entries);
    claimed_ = std::make_unique<Identifiers>();
    entries_ = entries;
    connected_ = true;
    for (std::size_t i = entries; i-- > 0;) {
        Command& command = commands_[i];
        command.connection = &connection_;
        command.output.command = &command;
        command.index = static_cast<std::uint16_t>(i);
        command.next = free_;
        free_ = &command;
    }
}

Command* CommandTable::take() {
    if (!connected_) return connect_.state == Command::State::Free ? &connect_ : nullptr;
    Command* const command = free_;
    if (command != nullptr) free_ = command->next;
    return command;
}

void CommandTable::give(Command& command) {
    if (command.claimed) claimed_->reset(command.entry.command_id);
    command.claimed = false;
    command.state = Command::State::Free;
    if (&command == &connect_) return;
    command.next = free_;
    free_ = &command;
}

bool CommandTable::claim(Command& command) {
    if (&command == &connect_) return true;  // It is alone.
    if (claimed_->test(command.entry.command_id)) return false;
    claimed_->set(command.entry.command_id);
    command.claimed = true;
    return true;
}

Command* CommandTable::find(std::uint16_t index) {
    return index < entries_ ? &commands_[index] : nullptr;
}

}  // namespace mc::nvme
