#pragma once

#include <string>

#include "mc/error.h"

#include "nvme/kernel/host/kernel_paths.h"

namespace mc::nvme::kernel {

/// What connecting the kernel by `transport` ("tcp", "rdma") needs: /dev/nvme-fabrics (else Unavailable), the right to
/// use it (else NotPermitted). Errors have the command that mends it.
Result<void> checkDevice(const KernelPaths& paths, const std::string& transport);

/// Unavailable where the kernel's module for that transport is not loaded: why a connect may have failed, and not known
/// before, since the kernel loads it itself where it can.
Result<void> checkModule(const KernelPaths& paths, const std::string& transport);

}  // namespace mc::nvme::kernel
