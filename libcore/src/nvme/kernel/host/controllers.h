#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "nvme/kernel/host/kernel_paths.h"

namespace mc::nvme::kernel {

/// A controller that the kernel is connected to, as sysfs shows it.
struct ControllerEntry {
    std::string name;            ///< "nvme0".
    std::uint64_t identity = 0;  ///< Of its directory (inode): a later controller of the same name has another one.
    std::string transport;
    std::string traddr;  ///< Numeric addresses are in their usual form.
    std::string trsvcid;
    std::string subsystem_nqn;
    std::string host_nqn;
    std::string host_id;
    std::string state;  ///< "live", "connecting", ...

    /// Removed, or about to be.
    bool isGoing() const { return state.empty() || state.starts_with("deleting") || state == "dead"; }
};

/// A namespace with the block device that leads to it, by whichever path.
struct NamespaceEntry {
    std::uint32_t nsid = 0;
    std::string device;            ///< "nvme0n1"; with multipath the one above all paths.
    std::string path;              ///< In `dev`; not looked at.
    dev_t number = 0;              ///< Of the device.
    std::uint64_t size = 0;        ///< Bytes; 0 while the kernel does not know it.
    std::uint32_t block_size = 0;  ///< Bytes.
    bool read_only = false;

    bool operator==(const NamespaceEntry&) const = default;
};

/// In order of their numbers.
std::vector<ControllerEntry> listControllers(const KernelPaths& paths);

/// Nothing where there is no such controller.
std::optional<ControllerEntry> readController(const KernelPaths& paths, const std::string& name);

/// Those that the kernel has found at it, in order of their ids.
std::vector<NamespaceEntry> listNamespaces(const KernelPaths& paths, const std::string& controller);

/// What the kernel knows the namespace by that a block device ("nvme0n1") leads to, on every machine and at all times:
/// "uuid." or "eui." and its UUID, NGUID or EUI64. Empty where there is no such device.
std::string namespaceIdentity(const KernelPaths& paths, const std::string& device);

/// Writes "1" into an attribute ("rescan_controller", "delete_controller") of that very controller. NotFound where it
/// has gone, NotPermitted without the right.
Result<void> trigger(const KernelPaths& paths, const ControllerEntry& controller, const char* attribute);

/// Lets root alone read the keys of a controller, which the kernel shows to everybody. Nothing where it shows none.
Result<void> hideKeys(const KernelPaths& paths, const std::string& controller);

/// "::1" for "0:0:0:0:0:0:0:1"; what is no numeric address, as it is.
std::string usualAddress(std::string_view address);

}  // namespace mc::nvme::kernel
