#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

namespace mc {

/// The location that stands for any memory.
inline constexpr std::string_view kWildcardLocation = "*";

/// Reads {"cpu:0": [["mlx5_0"], ["mlx5_1"]]}; the list of available devices may be left out. BadData names the entry.
Result<PriorityMatrix> parsePriorityMatrix(std::string_view json);

/// The same from a file of at most 1 MiB; the error names the file, too.
Result<PriorityMatrix> readPriorityMatrix(const std::filesystem::path& file);

/// One line of JSON, two lists per location, no newline.
std::string formatPriorityMatrix(const PriorityMatrix& matrix);

/// The locations of this machine's memory: "cpu:N" for each NUMA node, with the RDMA devices of that node preferred and
/// the others available; "cpu:0" alone where the kernel shows no nodes. `sysfs` is where it is mounted.
PriorityMatrix discoverPriorityMatrix(const std::filesystem::path& sysfs = "/sys");

/// The network devices of a priority matrix, numbered, and the choice among them. Immutable: any thread may use it.
class Topology {
  public:
    explicit Topology(const PriorityMatrix& matrix);

    /// By index: in the order of first sight, locations in lexicographic order, preferred before available. A segment
    /// that publishes its devices in this order gives readers of its matrix the same numbers.
    const std::vector<std::string>& nics() const { return nics_; }

    /// The index of the device for memory at `location`: at first one of the preferred (of the available if there are
    /// none), picked by `random`; on retry k the (k-1)th of preferred and available, round and round. A location that
    /// has no entry or no device is served by "*", which has every device preferred unless the matrix says otherwise.
    std::optional<std::size_t> choose(std::string_view location, std::uint32_t retry, std::uint64_t random) const;

  private:
    struct Entry {
        std::vector<std::size_t> nics;  // Preferred, then available.
        std::size_t preferred = 0;
    };

    std::vector<std::string> nics_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace mc
