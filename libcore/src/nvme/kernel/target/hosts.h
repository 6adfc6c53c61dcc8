#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"
#include "nvme/target/target.h"

namespace mc::nvmet {

/// "hosts/NQN".
std::string hostPath(std::string_view nqn);

/// Lets a host connect to the record's subsystem. The kernel knows a host once, with its keys, for all subsystems:
/// AlreadyExists where somebody else has given it other keys. Keys are readable for root alone. `backend_option`: as of
/// findMissing.
Result<void> allowHost(const Tree& tree, Record& record, const nvme::AllowedHost& host,
                       std::string_view backend_option);

}  // namespace mc::nvmet
