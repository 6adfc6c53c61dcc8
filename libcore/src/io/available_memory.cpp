#include "io/available_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace mc::io {
namespace {

using Path = std::filesystem::path;

// The numbers in lines of "name: 12 kB" or "name 12"; before the name there may be other words ("Node 0 MemFree: 12").
std::map<std::string, std::uint64_t, std::less<>> namedNumbers(const Path& path) {
    std::map<std::string, std::uint64_t, std::less<>> numbers;
    std::ifstream file(path);
    std::string name;
    for (std::string word; file >> word;) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        const bool is_number = error == std::errc{} && end == word.data() + word.size();
        if (is_number && !name.empty()) numbers.emplace(name, value);
        name = is_number ? std::string() : word.substr(0, word.find(':'));
    }
    return numbers;
}

std::optional<std::uint64_t> numberIn(const Path& path) {
    std::uint64_t value = 0;
    if (std::ifstream file(path); file >> value) return value;
    return std::nullopt;  // Missing, or "max".
}

struct Version {
    std::string_view limit, usage, inactive_cache, active_cache;
};
constexpr Version kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                            "total_active_file"};
constexpr Version kVersion2{"memory.max", "memory.current", "inactive_file", "active_file"};

// What a group leaves; the cache that is charged to it makes way.
std::optional<std::uint64_t> leftIn(const Path& group, const Version& version) {
    const auto limit = numberIn(group / version.limit);
    const auto usage = numberIn(group / version.usage);
    if (!limit || !usage) return std::nullopt;
    const auto numbers = namedNumbers(group / "memory.stat");
    std::uint64_t cache = 0;
    for (const auto name : {version.inactive_cache, version.active_cache}) {
        if (const auto found = numbers.find(name); found != numbers.end()) cache += found->second;
    }
    const std::uint64_t kept = *usage - std::min(*usage, cache);
    return *limit - std::min(*limit, kept);
}

void keepSmaller(std::optional<std::uint64_t>& smallest, std::optional<std::uint64_t> value) {
    if (value && (!smallest || *value < *smallest)) smallest = value;
}

// The group and all above it limit.
std::optional<std::uint64_t> leftInGroups(const MemoryFiles& files) {
    std::optional<std::uint64_t> left;
    std::ifstream file(files.proc / "self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool second_version = line.starts_with("0:") && controllers.empty();
        if (!second_version && controllers != "memory") continue;
        const Path root = files.sys / "fs/cgroup" / (second_version ? "" : "memory");
        Path group = Path(line.substr(second + 1)).relative_path();
        for (;; group = group.parent_path()) {
            keepSmaller(left, leftIn(root / group, second_version ? kVersion2 : kVersion1));
            if (group.empty()) break;
        }
    }
    return left;
}

}  // namespace

std::optional<std::uint64_t> availableMemory(const MemoryFiles& files) {
    std::optional<std::uint64_t> available = leftInGroups(files);
    const auto numbers = namedNumbers(files.proc / "meminfo");
    if (const auto found = numbers.find("MemAvailable"); found != numbers.end())
        keepSmaller(available, found->second * 1024);
    return available;
}

std::optional<std::uint64_t> availableMemoryOn(int node, const MemoryFiles& files) {
    const auto numbers = namedNumbers(files.sys / fmt::format("devices/system/node/node{}/meminfo", node));
    const auto free = numbers.find("MemFree");
    if (free == numbers.end()) return std::nullopt;
    const auto cache = numbers.find("FilePages");
    const auto shared = numbers.find("Shmem");
    std::uint64_t kib = free->second;
    if (cache != numbers.end()) kib += cache->second;
    if (shared != numbers.end()) kib -= std::min(kib, shared->second);
    return kib * 1024;
}

std::optional<std::uint64_t> freeHugePages(std::uint64_t page_size, const MemoryFiles& files) {
    const Path directory = files.sys / fmt::format("kernel/mm/hugepages/hugepages-{}kB", page_size / 1024);
    const auto free = numberIn(directory / "free_hugepages");
    if (!free) return std::nullopt;
    const std::uint64_t reserved = numberIn(directory / "resv_hugepages").value_or(0);
    return (*free - std::min(*free, reserved)) * page_size;
}

}  // namespace mc::io
