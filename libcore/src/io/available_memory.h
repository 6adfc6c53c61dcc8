#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace mc::io {

/// Where the kernel tells what there is; another root for tests.
struct MemoryFiles {
    std::filesystem::path proc = "/proc";
    std::filesystem::path sys = "/sys";
};

/// Bytes that this process can still be given without anybody being killed for them: of the machine, and within the
/// limits of its control groups (versions 1 and 2). Nothing where the kernel does not tell.
std::optional<std::uint64_t> availableMemory(const MemoryFiles& files = {});

/// The same of one NUMA node, without the control groups.
std::optional<std::uint64_t> availableMemoryOn(int node, const MemoryFiles& files = {});

/// Free explicit huge pages of this size, in bytes; nothing if the machine has none of it.
std::optional<std::uint64_t> freeHugePages(std::uint64_t page_size, const MemoryFiles& files = {});

}  // namespace mc::io
