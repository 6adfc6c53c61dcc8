#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "nvme/kernel/host/connect.h"
#include "nvme/kernel/host/controllers.h"
#include "nvme/kernel/host/holdings.h"
#include "nvme/kernel/host/kernel_options.h"
#include "nvme/kernel/host/kernel_paths.h"

namespace mc::nvme::kernel {

/// A controller to which the kernel is connected for us.
struct KernelController {
    ControllerEntry entry;
    bool held_before = false;  ///< By the same holder.
    bool ours = false;         ///< We have connected it; else it was there, and is never disconnected by us.
};

/// Of a controller whose devices are mounted, or part of other devices.
enum class InUse { Stays, Goes };

/// Has the kernel connect to NVMe targets, and finds the block devices of their namespaces. A controller that is there
/// already is taken; one that we have connected is noted with all that hold it, in this process and in others, and is
/// disconnected when the last of them lets it go. From any thread.
class KernelHost {
  public:
    explicit KernelHost(KernelPaths paths = {}, Connect connect = connectByLibnvme());

    /// What connecting by that transport needs: libnvme in this build (else Unsupported), the kernel's module (else
    /// Unavailable), the right to use it (else NotPermitted). Errors have the command that mends it.
    Result<void> checkRequirements(const std::string& transport) const;
    /// The same before a target is known: where the kernel has no controller that others have connected, either, none
    /// can be used.
    Result<void> checkUsable() const;

    /// A live controller of that subsystem, at one of its addresses and under the host's NQN, held by `holder`; the
    /// same again changes nothing. First disconnects ours that nobody holds any more. Errors: as checkRequirements;
    /// Unavailable where the target can't be reached or refuses; NotPermitted for a wrong key; TimedOut where it is not
    /// live in time. The kernel itself may need longer than the deadline to give up.
    Result<KernelController> connect(const KernelTarget& target, const KernelHostOptions& options, const Holder& holder,
                                     Deadline deadline) const;

    /// The block device of a namespace, waited for until the deadline; the kernel is asked to look again if it does not
    /// have it. NotFound where it has none then, or the controller has gone.
    Result<NamespaceEntry> findNamespace(const KernelController& controller, std::uint32_t nsid,
                                         Deadline deadline) const;

    /// Asks the kernel to look again for the controller's namespaces; it does that on its own time.
    Result<void> rescan(const KernelController& controller) const;

    /// Its entry as of now; nothing where it has gone.
    std::optional<ControllerEntry> look(const KernelController& controller) const;

    /// `holder` lets it go. True where it was ours and is disconnected now: nobody else holds it. False where others
    /// do, or somebody else has connected it, or it has gone.
    Result<bool> disconnect(const KernelController& controller, const Holder& holder, Deadline deadline) const;

    /// The same for all of ours that `holder` holds, whatever it knows of them. Busy: one stays held, being in use.
    Result<void> letGoAll(const Holder& holder, InUse in_use, Deadline deadline) const;

    /// Disconnects those of ours that nobody holds any more: of processes that were killed. Their names.
    Result<std::vector<std::string>> reclaim(Deadline deadline) const;

    const KernelPaths& paths() const { return paths_; }

  private:
    Result<KernelController> take(Holdings& holdings, ControllerEntry entry, const Holder& holder) const;
    Result<KernelController> takeOrMake(const KernelTarget& target, const KernelHostOptions& options,
                                        const Holder& holder, Deadline deadline) const;
    Result<std::string> make(const KernelTarget& target, const KernelHostOptions& options, Deadline deadline) const;
    std::optional<ControllerEntry> findController(const KernelTarget& target, const std::string& host_nqn) const;
    Result<KernelController> waitLive(KernelController controller, Deadline deadline) const;
    Result<bool> letGo(Holdings& holdings, const ControllerEntry& controller, const Holder& holder, InUse in_use) const;
    Result<void> checkUnused(const ControllerEntry& controller) const;
    std::vector<std::string> reclaim(Holdings& holdings) const;

    KernelPaths paths_;
    Connect connect_;
};

}  // namespace mc::nvme::kernel
