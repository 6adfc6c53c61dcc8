#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mc/engine.h"

#include "control/file_request.h"
#include "io/file_facts.h"

namespace mc::control {

/// A file that is served, as others are told of it.
struct ServedFile {
    FileBufferID number = 0;  ///< Also that of the NVMe namespace; never that of another file of the same target.
    std::string path;
    std::uint64_t size = 0;        ///< Bytes that are served.
    std::uint64_t asked_size = 0;  ///< 0: all of it.
    bool read_only = false;
    bool is_block_device = false;
    bool forced = false;
};

/// How files are served.
struct FileOptions {
    bool read_only = false;
    bool direct = false;                          ///< Whether the engine's transport opens them like that.
    NvmeofBackend backend = NvmeofBackend::User;  ///< Who serves them.
    std::string backend_option = "--backend";     ///< As NvmeofOptions::backend_option.
    bool force = false;  ///< A block device even where it holds a file system or a partition table.
};

/// A file as a user names it: by its number or by its absolute path.
using FileName = std::variant<FileBufferID, std::string>;

/// "2" is a number, anything else a path, which becomes absolute; a file that is called 2 is ./2.
Result<FileName> parseFileName(std::string_view text);
std::string toString(const FileName& name);

/// Which files are meant.
struct FileChoice {
    std::vector<FileName> names;
    bool ignore_missing = false;  ///< Else NotFound.
};

/// The files that an engine serves. From any thread; additions wait for each other.
class ServedFiles {
  public:
    /// Whether all of them could be opened and served, beside those that are served: NoInput, NotPermitted, BadData,
    /// InvalidArgument for a size that is larger than the file, AlreadyExists for a file that is named twice, whatever
    /// its names.
    Result<void> check(std::span<const FileRequest> requests, const FileOptions& options) const;
    /// Registers and publishes them with the engine, all or none.
    Result<std::vector<ServedFile>> add(TransferEngine& engine, std::span<const FileRequest> requests,
                                        const FileOptions& options);
    /// Withdraws and unregisters them: no peer can touch them any more when it returns. All or none; what can't be
    /// published once files are gone is an error, and published later.
    Result<std::vector<ServedFile>> remove(TransferEngine& engine, const FileChoice& choice);
    /// What remove() would remove.
    Result<std::vector<ServedFile>> find(const FileChoice& choice) const;
    /// In the order of their numbers.
    std::vector<ServedFile> describe() const;

  private:
    struct Entry {
        ServedFile file;
        io::FileFacts facts;
        bool going = false;  // Withdrawn; its device may still have something to do.
    };
    std::vector<Entry> entries() const;
    std::vector<ServedFile> describeLocked() const;
    Result<std::vector<ServedFile>> findLocked(const FileChoice& choice) const;
    Result<std::vector<Entry>> inspect(std::span<const FileRequest> requests, const FileOptions& options) const;

    std::mutex additions_;      // Held over calls of the engine.
    mutable std::mutex mutex_;  // Guards the members, never a call of the engine.
    std::vector<Entry> entries_;
};

}  // namespace mc::control
