#include "nvme/kernel/host/kernel_paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace mc::nvme::kernel {

std::filesystem::path KernelPaths::runDirectory() {
    if (::geteuid() == 0) return "/run/mc-nvme";
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nothing changes it
    if (runtime != nullptr && *runtime != '\0') return std::filesystem::path(runtime) / "mc-nvme";
    return fmt::format("/tmp/mc-nvme-{}", ::geteuid());
}

std::string firstLineOf(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    line.erase(line.find_last_not_of(" \t\r\n") + 1);
    return line;
}

}  // namespace mc::nvme::kernel
