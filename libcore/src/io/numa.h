#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace mc::io {

struct NumaNode {
    int id = 0;
    std::vector<int> cpus;  ///< Empty: not known; any will do.
};

/// The nodes that have CPUs, by number. One node 0 where the kernel tells nothing.
std::vector<NumaNode> numaNodes(const std::filesystem::path& root = "/sys/devices/system/node");

/// The numbers in a list as the kernel writes it: "0-3,8". Ends at the first thing that is none.
std::vector<int> parseCpuList(std::string_view text);

}  // namespace mc::io
