#include "nvme/kernel/host/requirements.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::nvme::kernel {

Result<void> checkDevice(const KernelPaths& paths, const std::string& transport) {
    const std::string device = paths.dev / "nvme-fabrics";
    const FileDescriptor opened(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (opened) return {};
    switch (errno) {
        case ENOENT:
        case ENXIO:
        case ENODEV:
            return fail(ErrorCode::Unavailable,
                        fmt::format("the kernel's NVMe host: {} is not there, its module is not loaded", device),
                        fmt::format("modprobe nvme-{}, as root", transport));
        case EACCES:
        case EPERM:
            return fail(ErrorCode::NotPermitted, fmt::format("the kernel's NVMe host: {}: no right to use it", device),
                        "run this as root, with CAP_SYS_ADMIN: sudo");
        default:
            return failErrno("open", device, errno);
    }
}

Result<void> checkModule(const KernelPaths& paths, const std::string& transport) {
    std::error_code unreadable;
    if (std::filesystem::exists(paths.sys / "module" / ("nvme_" + transport), unreadable)) return {};
    return fail(
        ErrorCode::Unavailable,
        fmt::format("the kernel's NVMe host: it has no {}, the module nvme-{} is not loaded", transport, transport),
        fmt::format("modprobe nvme-{}, as root", transport));
}

}  // namespace mc::nvme::kernel
