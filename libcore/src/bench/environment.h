#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace mc::bench {

/// Where and with what something was measured.
struct Environment {
    using Load = std::array<double, 3>;  ///< Over 1, 5 and 15 minutes.

    std::string date;  ///< ISO 8601, local time with its offset, of the start.
    std::string hostname;
    std::string kernel;  ///< "Linux 6.1.0 x86_64"
    std::string cpu_model;
    unsigned cpus = 0;  ///< That this process may use.
    std::size_t numa_nodes = 1;
    std::string library_version;
    std::string compiler;
    std::string build_type;
    std::string command_line;
    std::string system_congestion_control;  ///< The kernel's default.
    std::optional<Load> load_before, load_after;
};

/// All but the command line and the load afterwards.
Environment collectEnvironment(const std::filesystem::path& proc = "/proc");

std::optional<Environment::Load> loadAverage();

}  // namespace mc::bench
