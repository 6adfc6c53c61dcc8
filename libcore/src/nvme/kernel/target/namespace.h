#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "io/file_facts.h"
#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"

namespace mc::nvmet {

/// A file or block device under a number that hosts see.
struct NamespaceOptions {
    std::uint32_t nsid = 0;
    std::string path;  ///< Absolute.
    /// Through the page cache. Of a block device: as if it were a file, which may change its block size.
    bool buffered = true;
    std::array<std::uint8_t, 16> nguid{};
    std::array<std::uint8_t, 16> uuid{};
};

/// "subsystems/NQN/namespaces/NSID".
std::string namespacePath(std::string_view nqn, std::uint32_t nsid);

/// Hosts see it when it returns. Nothing of it remains on an error.
Result<void> addNamespace(const Tree& tree, Record& record, const NamespaceOptions& options);
/// Returns when the kernel has ended all I/O on it and closed the file.
Result<void> removeNamespace(const Tree& tree, Record& record, std::uint32_t nsid);

/// What the kernel cuts a file into: its file system's block, 4 KiB at most, whatever the file's length; of a block
/// device the logical block.
Result<std::uint32_t> blockSizeOf(const io::FileFacts& file);

}  // namespace mc::nvmet
