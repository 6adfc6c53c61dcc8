#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "segment/topology.h"

namespace mc {
namespace {

namespace fs = std::filesystem;

struct Nic {
    std::string name;
    int numa_node = -1;  // Unknown to the kernel.
};

std::vector<std::string> namesIn(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;  // A machine without the hardware lacks the directory.
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
        names.push_back(at->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

std::optional<int> nodeNumber(std::string_view name) {
    constexpr std::string_view kPrefix = "node";
    if (!name.starts_with(kPrefix)) return std::nullopt;
    name.remove_prefix(kPrefix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 0) return std::nullopt;
    return number;
}

std::vector<Nic> findNics(const fs::path& sysfs) {
    std::vector<Nic> nics;
    const fs::path directory = sysfs / "class/infiniband";
    for (const auto& name : namesIn(directory)) {
        Nic nic{name, -1};
        if (int node = 0; std::ifstream(directory / name / "device/numa_node") >> node) nic.numa_node = node;
        nics.push_back(std::move(nic));
    }
    return nics;
}

}  // namespace

PriorityMatrix discoverPriorityMatrix(const fs::path& sysfs) {
    std::set<int> nodes;
    for (const auto& name : namesIn(sysfs / "devices/system/node")) {
        if (const auto number = nodeNumber(name)) nodes.insert(*number);
    }
    if (nodes.empty()) nodes.insert(0);

    PriorityMatrix matrix;
    const auto nics = findNics(sysfs);
    for (const int node : nodes) {
        NicPriority& entry = matrix["cpu:" + std::to_string(node)];
        for (const auto& nic : nics)
            (nic.numa_node == node ? entry.preferred : entry.available).push_back(nic.name);
    }
    return matrix;
}

}  // namespace mc
