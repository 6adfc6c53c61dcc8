#pragma once

#include <string>

#include "control/json_rpc.h"
#include "control/target.h"

namespace mc::control {

/// What a target answers on its control socket. `target` must outlive the methods.
RpcMethods targetMethods(Target& target, std::string control_socket);

}  // namespace mc::control
