#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mc/error.h"

#include "nvme/kernel/target/namespace.h"
#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"
#include "nvme/target/target.h"

namespace mc::nvmet {

/// One subsystem of the kernel's NVMe target, and the port at which it is offered: made, changed and taken down through
/// configfs. The kernel serves it also while this process hangs, and after it was killed, until the next one starts.
/// Not thread-safe.
class KernelTarget {
  public:
    struct Options {
        nvme::SubsystemOptions subsystem;
        std::vector<NamespaceOptions> namespaces;  ///< Are there before hosts get in.
        PortAddress address;
        std::filesystem::path records;             ///< A directory for all targets of this machine: recordDirectory().
        std::string backend_option = "--backend";  ///< As of findMissing.
        std::string port_option = "--trsvcid";     ///< As of Offer.
    };

    /// Takes down what killed ones have left, then listens. InvalidArgument for a name that the kernel can't have;
    /// AlreadyExists for a subsystem or a host that somebody else has made, Busy for one that lives; CannotCreate for
    /// an address that is taken. Nothing remains on an error.
    static Result<std::unique_ptr<KernelTarget>> start(std::unique_ptr<const Tree> tree, const Options& options);
    /// Takes down what was made.
    ~KernelTarget();
    KernelTarget(const KernelTarget&) = delete;
    KernelTarget& operator=(const KernelTarget&) = delete;

    Result<void> addNamespace(const NamespaceOptions& options) { return nvmet::addNamespace(*tree_, record_, options); }
    Result<void> removeNamespace(std::uint32_t nsid) { return nvmet::removeNamespace(*tree_, record_, nsid); }

  private:
    KernelTarget(std::unique_ptr<const Tree> tree, Record record)
        : tree_(std::move(tree)), record_(std::move(record)) {}
    Result<void> build(const Options& options);
    void takeDownAll();

    const std::unique_ptr<const Tree> tree_;
    Record record_;
    bool built_ = false;
};

}  // namespace mc::nvmet
