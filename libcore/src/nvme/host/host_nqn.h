#pragma once

#include "nvme/host/controller.h"

namespace mc::nvme::host {

/// The options with a host NQN and a host id where they had none.
Result<HostOptions> withIdentity(HostOptions options);

}  // namespace mc::nvme::host
