#include "mount/kernel_devices.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::mount {
namespace {

using nvme::kernel::Holder;
using nvme::kernel::KernelHost;
using nvme::kernel::KernelHostOptions;

constexpr std::chrono::seconds kUndoTime{10};

Holder holderOf(const std::string& directory) {
    return Holder::lasting("mount " + printable(directory));
}

bool isLinkToDevice(const std::string& link) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(link, error);
    return !error && target.native().starts_with("/dev/");
}

KernelHostOptions hostOptions(const DeviceHolder& holder) {
    const NvmeofOptions& options = holder.options;
    KernelHostOptions asked{.host_nqn = options.self.nqn,
                            .host_id = {},
                            .key = options.self.key,
                            .controller_key = options.self.controller_key,
                            .header_digest = options.header_digest,
                            .data_digest = options.data_digest,
                            .loss_timeout = std::nullopt,  // What is mounted stays, so that it works again.
                            .fail_timeout = std::nullopt};
    if (holder.timeout.count() > 0) asked.fail_timeout = holder.timeout;
    return asked;
}

}  // namespace

Result<KernelDevices> connectDevices(const KernelHost& host, const NvmeTransportId& target,
                                     const std::vector<MountedFile>& files, const DeviceHolder& holder,
                                     Deadline deadline) {
    auto addresses = nvmeof::ipAddresses(target);
    if (!addresses) return std::unexpected(addresses.error());
    const Holder mount = holderOf(holder.directory);
    const auto controller = host.connect(
        {.transport = toLower(target.trtype), .addresses = std::move(*addresses), .subsystem_nqn = target.subnqn},
        hostOptions(holder), mount, deadline);
    if (!controller) return std::unexpected(controller.error());
    KernelDevices found{.controller = controller->entry.name, .devices = {}, .identities = {}};
    for (const MountedFile& file : files) {
        const auto space = host.findNamespace(*controller, file.file_id, deadline);
        if (!space) {
            // Its own time may be over.
            if (auto undone = host.disconnect(*controller, mount, SteadyClock::now() + kUndoTime); !undone)
                log::warning("{}", undone.error().message);
            return std::unexpected(wrap(fmt::format("file {}", file.number), space.error()));
        }
        found.devices.push_back(space->path);
        found.identities.push_back(nvme::kernel::namespaceIdentity(host.paths(), space->device));
    }
    return found;
}

Result<void> letGoDevices(const KernelHost& host, const std::string& directory, nvme::kernel::InUse in_use,
                          Deadline deadline) {
    return host.letGoAll(holderOf(directory), in_use, deadline);
}

std::string controllerProblem(const KernelHost& host, const std::string& controller) {
    const auto entry = nvme::kernel::readController(host.paths(), controller);
    if (!entry) return fmt::format("controller {} has gone", printable(controller));
    if (entry->state == "live") return {};
    return fmt::format("controller {} is {}, not live: the target does not answer", entry->name,
                       printable(entry->state));
}

bool isAnothers(const nvme::kernel::KernelPaths& paths, const std::string& device, const std::string& identity) {
    std::error_code no_link;
    const auto target = std::filesystem::read_symlink(device, no_link);
    const std::filesystem::path name = (no_link ? std::filesystem::path(device) : target).filename();
    const std::string now = nvme::kernel::namespaceIdentity(paths, name);
    return !identity.empty() && !now.empty() && now != identity;
}

Result<void> linkDevice(const std::string& link, const std::string& device) {
    unlinkDevice(link);
    if (::symlink(device.c_str(), link.c_str()) == 0) return {};
    return failErrno("make link", link, errno);
}

void unlinkDevice(const std::string& link) {
    if (isLinkToDevice(link)) ::unlink(link.c_str());
}

Result<void> mountDevice(const std::string& device, const std::string& directory, const std::string& type,
                         bool read_only) {
    constexpr unsigned long kFlags = MS_NODEV | MS_NOSUID;
    if (::mount(device.c_str(), directory.c_str(), type.c_str(), kFlags | (read_only ? MS_RDONLY : 0), nullptr) == 0)
        return {};
    const int error = errno;
    const std::string what = fmt::format("mount {} at {}", device, printable(directory));
    if (error == ENODEV) {
        return fail(ErrorCode::Unsupported, fmt::format("{}: the kernel knows no file system {}", what, type),
                    fmt::format("modprobe {}, as root", type));
    }
    if (error == EINVAL || error == EUCLEAN) {
        return fail(ErrorCode::BadData, fmt::format("{}: it has no file system {}, or a damaged one", what, type),
                    fmt::format("blkid {} tells what it has", device));
    }
    return failErrno("mount", fmt::format("{} at {}", device, printable(directory)), error);
}

}  // namespace mc::mount
