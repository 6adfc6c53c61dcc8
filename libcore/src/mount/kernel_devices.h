#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mc/engine_options.h"
#include "mc/error.h"
#include "mc/segment.h"

#include "base/futex.h"
#include "mount/file_plan.h"
#include "nvme/kernel/host/kernel_host.h"

namespace mc::mount {

/// The block devices through which the kernel reaches the files of a target.
struct KernelDevices {
    std::string controller;               ///< "nvme0".
    std::vector<std::string> devices;     ///< Of each file: "/dev/nvme0n1".
    std::vector<std::string> identities;  ///< Of their namespaces; empty where the kernel tells none.
};

/// On whose behalf the kernel connects, and how.
struct DeviceHolder {
    std::string directory;  ///< Of the mount, which holds the controller until it is let go.
    const NvmeofOptions& options;
    /// So long after the target has gone requests wait before they fail, and others fail at once, until it is back; 0:
    /// for ever. The controller stays. Of several mounts that share one, the first one's counts.
    std::chrono::milliseconds timeout{};
};

/// Has the kernel connect to the target. Errors: as KernelHost::connect and findNamespace; nothing is held then.
Result<KernelDevices> connectDevices(const nvme::kernel::KernelHost& host, const NvmeTransportId& target,
                                     const std::vector<MountedFile>& files, const DeviceHolder& holder,
                                     Deadline deadline);

/// The kernel disconnects what the mount at `directory` holds, unless others use it, or somebody else has connected it.
/// One that has gone is none to let go. Busy: one of its devices is mounted, or part of another device.
Result<void> letGoDevices(const nvme::kernel::KernelHost& host, const std::string& directory,
                          nvme::kernel::InUse in_use, Deadline deadline);

/// Why requests wait, or fail, at a controller: it is not connected; empty where it is.
std::string controllerProblem(const nvme::kernel::KernelHost& host, const std::string& controller);

/// Whether another namespace than the one of that identity has the name of a device ("/dev/nvme0n1"), or of the one
/// that a link leads to, by now. Nothing is said of what has no identity, or has gone.
bool isAnothers(const nvme::kernel::KernelPaths& paths, const std::string& device, const std::string& identity);

/// Makes a link to a device in a directory, in place of one to a device; AlreadyExists where something else is there.
Result<void> linkDevice(const std::string& link, const std::string& device);
/// Removes it; what is no link to a device stays.
void unlinkDevice(const std::string& link);

/// Mounts the file system of that type on the device. BadData where it has none; Unsupported where the kernel does not
/// know it.
Result<void> mountDevice(const std::string& device, const std::string& directory, const std::string& type,
                         bool read_only);

}  // namespace mc::mount
