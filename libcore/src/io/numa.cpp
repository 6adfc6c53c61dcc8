#include "io/numa.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <system_error>

namespace mc::io {

std::vector<int> parseCpuList(std::string_view text) {
    std::vector<int> cpus;
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto number = [&](int& value) {
        const auto [next, error] = std::from_chars(at, end, value);
        at = next;
        return error == std::errc{} && value >= 0 && value < CPU_SETSIZE;
    };
    for (int first = 0; number(first);) {
        int last = first;
        if (at != end && *at == '-') {
            ++at;
            if (!number(last)) break;
        }
        for (int cpu = first; cpu <= last; ++cpu)
            cpus.push_back(cpu);
        if (at == end || *at != ',') break;
        ++at;
    }
    return cpus;
}

std::vector<NumaNode> numaNodes(const std::filesystem::path& root) {
    std::vector<NumaNode> nodes;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
        const std::string name = entry.path().filename().string();
        constexpr std::string_view kPrefix = "node";
        if (!name.starts_with(kPrefix)) continue;
        NumaNode node;
        const char* const end = name.data() + name.size();
        const auto [next, error] = std::from_chars(name.data() + kPrefix.size(), end, node.id);
        if (error != std::errc{} || next != end) continue;
        std::string list;
        std::ifstream(entry.path() / "cpulist") >> list;
        node.cpus = parseCpuList(list);
        if (!node.cpus.empty()) nodes.push_back(std::move(node));
    }
    if (nodes.empty()) nodes.push_back({});
    std::ranges::sort(nodes, {}, &NumaNode::id);
    return nodes;
}

}  // namespace mc::io
