#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"

namespace mc::nvmet {

/// "ports/ID".
std::string portPath(std::uint16_t id);
/// The subsystems that a port offers are the entries of "ports/ID/subsystems".
std::string offerPath(std::uint16_t id, std::string_view nqn);

/// What is offered where.
struct Offer {
    PortAddress address;
    std::string nqn;  ///< Of the subsystem.
    /// With what a program's user chooses another port, for the hint where that one is taken.
    std::string port_option = "--trsvcid";
};

/// Takes a number that nobody has, and listens there for hosts of the subsystem. CannotCreate where the address is
/// taken or not this machine's. The port's number.
Result<std::uint16_t> listen(const Tree& tree, Record& record, const Offer& offer);

/// Whether a port that is there is the one of the record: its address is, or as much as has been written of it.
bool isOurs(const Tree& tree, const Made::Port& port);

}  // namespace mc::nvmet
