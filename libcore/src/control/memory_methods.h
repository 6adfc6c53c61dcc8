#pragma once

#include <nlohmann/json_fwd.hpp>

#include "control/json_rpc.h"
#include "control/target.h"

namespace mc::control {

nlohmann::json toJson(const ServedBuffer& buffer);

/// Methods that change what a target serves: add_memory and remove_memory. `target` must outlive them.
void addMemoryMethods(RpcMethods& methods, Target& target);

}  // namespace mc::control
