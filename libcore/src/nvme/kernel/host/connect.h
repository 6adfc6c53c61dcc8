#pragma once

#include <functional>
#include <string>

#include "mc/error.h"

#include "nvme/kernel/host/kernel_options.h"

namespace mc::nvme::kernel {

/// One address to connect to, all of the options filled in.
struct ConnectRequest {
    std::string transport;
    std::string traddr;  ///< Numeric.
    std::string trsvcid;
    std::string subsystem_nqn;
    KernelHostOptions options;
};

/// Has the kernel connect; the controller's name ("nvme0"). Blocks while the kernel tries. AlreadyExists where such a
/// controller is connected; else the code that fits the kernel's errno.
using Connect = std::function<Result<std::string>(const ConnectRequest&)>;

/// By libnvme; empty in a build without it.
Connect connectByLibnvme();

}  // namespace mc::nvme::kernel
