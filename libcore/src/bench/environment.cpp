#include "bench/environment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "mc/version.h"

#include "io/numa.h"

namespace mc::bench {
namespace {

std::string cpuModel(const std::filesystem::path& proc) {
    std::ifstream file(proc / "cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
    }
    return {};
}

std::string firstWord(const std::filesystem::path& path) {
    std::string word;
    std::ifstream(path) >> word;
    return word;
}

unsigned usableCpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

std::string localTime() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S%z}", parts);
}

constexpr const char* compilerName() {
#ifdef __clang__
    return __VERSION__;
#else
    return "GCC " __VERSION__;
#endif
}

}  // namespace

Environment collectEnvironment(const std::filesystem::path& proc) {
    utsname system{};
    ::uname(&system);
    return {.date = localTime(),
            .hostname = system.nodename,
            .kernel = fmt::format("{} {} {}", system.sysname, system.release, system.machine),
            .cpu_model = cpuModel(proc),
            .cpus = usableCpus(),
            .numa_nodes = io::numaNodes().size(),
            .library_version = version(),
            .compiler = compilerName(),
            .build_type = MC_BUILD_TYPE,
            .command_line = {},
            .system_congestion_control = firstWord(proc / "sys/net/ipv4/tcp_congestion_control"),
            .load_before = loadAverage(),
            .load_after = {}};
}

std::optional<Environment::Load> loadAverage() {
    Environment::Load load{};
    if (::getloadavg(load.data(), static_cast<int>(load.size())) != static_cast<int>(load.size())) return std::nullopt;
    return load;
}

}  // namespace mc::bench
