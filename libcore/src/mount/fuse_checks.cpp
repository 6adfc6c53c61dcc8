#include "mount/fuse_checks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "base/errors.h"
#include "base/fd.h"
#include "base/text.h"

namespace mc::mount {
namespace {

constexpr const char* kDevice = "/dev/fuse";
constexpr const char* kProgram = "/usr/bin/fusermount3";
constexpr const char* kConfiguration = "/etc/fuse.conf";

Result<void> checkDevice() {
    const FileDescriptor device(::open(kDevice, O_RDWR | O_CLOEXEC));
    if (device) return {};
    switch (errno) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return fail(ErrorCode::Unavailable, fmt::format("{}: this machine has no FUSE", kDevice),
                        "modprobe fuse, as root; in a container: --device=/dev/fuse --cap-add=SYS_ADMIN");
        case EACCES:
            return fail(ErrorCode::NotPermitted, fmt::format("{}: this user may not open it", kDevice),
                        fmt::format("chmod 666 {}, as root; that is how udev leaves it", kDevice));
        case EPERM:
            return fail(ErrorCode::NotPermitted, fmt::format("{}: the container does not allow it", kDevice),
                        "start the container with --device=/dev/fuse --cap-add=SYS_ADMIN");
        default:
            return failErrno("open", kDevice, errno);
    }
}

Result<void> checkProgram() {
    struct stat found{};
    if (::stat(kProgram, &found) != 0) {
        return fail(ErrorCode::Unavailable, fmt::format("{}: is missing, and only root can mount without", kProgram),
                    "apt-get install fuse3");
    }
    if ((found.st_mode & S_ISUID) != 0) return {};
    return fail(ErrorCode::NotPermitted, fmt::format("{}: may not mount, as it is not setuid root", kProgram),
                fmt::format("chmod u+s {}, as root", kProgram));
}

Result<void> checkOthers() {
    std::ifstream configuration(kConfiguration);
    for (std::string line; std::getline(configuration, line);) {
        if (line == "user_allow_other") return {};
    }
    return fail(ErrorCode::NotPermitted,
                fmt::format("--allow-other: {} does not let ordinary users do that", kConfiguration),
                fmt::format("echo user_allow_other >> {}, as root", kConfiguration));
}

Result<void> checkDirectory(const std::string& directory) {
    struct stat found{};
    if (::stat(directory.c_str(), &found) != 0) {
        const int error = errno;
        if (error == ENOENT) {
            return fail(ErrorCode::NoInput, fmt::format("{}: there is no such directory", printable(directory)),
                        fmt::format("mkdir -p {}", printable(directory)));
        }
        return failErrno("look at", directory, error);
    }
    if (!S_ISDIR(found.st_mode))
        return fail(ErrorCode::InvalidArgument, fmt::format("{}: is no directory", printable(directory)));
    if (::geteuid() == 0 || ::access(directory.c_str(), W_OK) == 0) return {};
    return fail(ErrorCode::NotPermitted,
                fmt::format("{}: this user may not write there, and so not mount", printable(directory)));
}

}  // namespace

Result<void> checkFuse(const FuseOptions& options) {
    if (!fuseIsBuiltIn()) {
        return fail(ErrorCode::Unsupported, "this build has no FUSE",
                    "apt-get install libfuse3-dev, then build again with -DMC_FUSE=ON");
    }
    if (auto checked = checkDirectory(options.directory); !checked) return checked;
    if (auto checked = checkDevice(); !checked) return checked;
    if (::geteuid() == 0) return {};
    if (auto checked = checkProgram(); !checked) return checked;
    return options.allow_other ? checkOthers() : Result<void>{};
}

}  // namespace mc::mount
