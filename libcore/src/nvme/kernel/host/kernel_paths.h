#pragma once

#include <filesystem>
#include <string>

namespace mc::nvme::kernel {

/// Where the kernel shows its NVMe hosts and their devices, and where we note which of them are ours. Elsewhere in
/// tests.
struct KernelPaths {
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
    std::filesystem::path etc = "/etc/nvme";
    std::filesystem::path run = runDirectory();
    bool device_nodes = true;  ///< False: regular files stand for the block devices in `dev`.

    /// /run/mc-nvme for root, else mc-nvme below XDG_RUNTIME_DIR, or, where that is not set, /tmp/mc-nvme-UID.
    static std::filesystem::path runDirectory();
};

/// The first line of a file, without blanks at its end; empty where it can't be read.
std::string firstLineOf(const std::filesystem::path& path);

}  // namespace mc::nvme::kernel
