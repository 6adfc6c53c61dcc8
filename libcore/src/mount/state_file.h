#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "mount/process.h"

namespace mc::mount {

/// A file of a mount, as it is listed.
struct EntryFile {
    std::string name;
    std::uint64_t number = 0;
    std::string path;
    std::uint64_t size = 0;  ///< Bytes.
    std::string identity;    ///< Of its namespace, through the kernel; empty where it is not known.

    bool operator==(const EntryFile&) const = default;
};

/// What a mount has written into the descriptor of a segment of files.
struct Recorded {
    std::string key;          ///< Of the descriptor.
    std::string server_name;  ///< Under which the paths were recorded.

    bool operator==(const Recorded&) const = default;
};

/// A mount that is meant to be there, whether it is or not.
struct MountEntry {
    std::string directory;             ///< Absolute.
    std::string segment;               ///< As it was named.
    std::string through;               ///< "fuse" or "kernel".
    std::vector<std::string> options;  ///< The words after `mc-mount add` that mount the same again.
    ProcessId server;                  ///< Of a FUSE mount.
    std::string controller;            ///< Of a kernel mount: "nvme1".
    std::string device;                ///< Of a file system through the kernel: "/dev/nvme1n2".
    bool starting = false;             ///< Its process has not mounted it yet.
    bool supervised = false;           ///< Somebody else starts its process: it is not restored.
    std::string created;               ///< UTC, "2026-01-31T12:00:00Z".
    std::vector<EntryFile> files;
    std::optional<Recorded> recorded;

    bool operator==(const MountEntry&) const = default;
};

/// The file in which a user's mounts are kept from one start of the machine to the next: for root
/// /var/lib/mc/mounts.json, else mc/mounts.json below XDG_STATE_HOME or ~/.local/state. Config where
/// there is no home.
Result<std::string> defaultStateFile();

/// One line for each entry, within one document. BadData for what is none.
std::string encodeState(const std::vector<MountEntry>& entries);
Result<std::vector<MountEntry>> decodeState(std::string_view text);

/// No entries where there is no file.
Result<std::vector<MountEntry>> readState(const std::string& path);

/// Lets `edit` change the entries and writes the file anew, in one piece; false: nothing has changed. Nobody else
/// changes it meanwhile. Makes the directory. Busy where somebody else does not let go of it before the deadline.
using StateEdit = std::function<Result<bool>(std::vector<MountEntry>& entries)>;
Result<void> updateState(const std::string& path, const StateEdit& edit, Deadline deadline);

/// Null where there is none for that directory.
MountEntry* findEntry(std::vector<MountEntry>& entries, std::string_view directory);

}  // namespace mc::mount
