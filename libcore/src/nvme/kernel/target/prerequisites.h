#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::nvmet {

/// Where a system tells what it has. The defaults are this system's.
struct Places {
    std::filesystem::path configfs = "/sys/kernel/config";
    std::filesystem::path loaded_modules = "/sys/module";
    std::filesystem::path modules = "/lib/modules";  ///< With a directory for each kernel.
    std::filesystem::path filesystems = "/proc/filesystems";
    std::filesystem::path mounts = "/proc/self/mounts";
    std::filesystem::path rdma_devices = "/sys/class/infiniband";
    std::string release;                  ///< Of the kernel; empty: of the one that runs.
    uid_t user = static_cast<uid_t>(-1);  ///< Who wants to use it; -1: this process's effective user.

    std::filesystem::path nvmet() const { return configfs / "nvmet"; }
};

/// Something that is missing. The numbers are those of the manual page.
struct Finding {
    int number = 0;
    ErrorCode code = ErrorCode::Unavailable;
    std::string what;
    std::string mend;  ///< A command, or what to use instead.
};

/// All that the kernel's target lacks to listen with `trtype` ("tcp" or "rdma"); empty: nothing. `backend_option`: with
/// which the user says that he wants to do without it, "--backend".
std::vector<Finding> findMissing(const std::string& trtype, std::string_view backend_option, const Places& places = {});

/// Why this process could not take down what there may be in the kernel's target; empty: it could, or there is nothing.
std::vector<Finding> findOutOfReach(const Places& places = {});

/// What DH-HMAC-CHAP needs and a kernel may be without, which shows once a host is there.
Finding withoutAuthentication(std::string_view backend_option);

/// One line that names each finding by its number; its code is the first one's, its hint what mends them.
Error toError(const std::vector<Finding>& findings);

}  // namespace mc::nvmet
