#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nvme/target/command.h"

namespace mc::nvme {

/// The commands that a queue may have at once. One until Connect has told how many.
class CommandTable {
  public:
    explicit CommandTable(Connection& connection);

    /// `entries` in place of the one.
    void grow(std::size_t entries);
    /// A free one; null: the host has sent more than its queue has entries.
    Command* take();
    void give(Command& command);
    /// False if a command with that identifier is in the table already.
    bool claim(Command& command);
    /// The command of a transfer tag; null: there is none.
    Command* find(std::uint16_t index);

    template <typename Visit>
    void forEach(Visit visit) {
        if (connect_.state != Command::State::Free) visit(connect_);
        for (std::size_t i = 0; i < entries_; ++i) {
            if (commands_[i].state != Command::State::Free) visit(commands_[i]);
        }
    }

  private:
    using Identifiers = std::bitset<65536>;

    Connection& connection_;
    Command connect_;
    bool connected_ = false;
    std::unique_ptr<Command[]> commands_;
    std::size_t entries_ = 0;
    Command* free_ = nullptr;
    std::unique_ptr<Identifiers> claimed_;
};

}  // namespace mc::nvme
