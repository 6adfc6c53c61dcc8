#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"
#include "nvme/target/target.h"

namespace mc::nvmet {

/// "subsystems/NQN".
std::string subsystemPath(std::string_view nqn);

/// A subsystem without namespaces, marked as one of ours by its serial and model. AlreadyExists where somebody else has
/// made one of that name.
Result<void> makeSubsystem(const Tree& tree, Record& record, const nvme::SubsystemOptions& options);

/// Whether the subsystem that is there is the one of the record: it has its mark, or nothing has been done to it yet.
bool isOurs(const Tree& tree, const Made& made);

}  // namespace mc::nvmet
