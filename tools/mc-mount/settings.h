#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "config/values.h"
#include "metadata/segment_key.h"
#include "metadata/store.h"
#include "mount/fuse_server.h"

namespace mc::mount {

/// What `mc-mount add` was told.
struct Settings {
    std::string segment;                            ///< As openSegment takes it.
    std::optional<metadata::SegmentKey> published;  ///< Its key, where it is a static segment of files.
    std::string via;
    std::string server_name;  ///< --as.
    std::vector<std::string> selection;
    std::string metadata_server;
    std::chrono::milliseconds timeout{};
    EngineOptions engine;
    bool kernel = false;      ///< --through.
    std::string file_system;  ///< --fs.
    FuseOptions fuse;         ///< Its directory, source and right to write are the kernel's, too.
    std::string state_file;
    std::vector<std::string> options;  ///< The words that say the same again.
    bool foreground = false;
};

Result<Settings> settingsFrom(const config::Values& values);

/// Null without a metadata server.
Result<std::shared_ptr<metadata::Store>> openStore(const Settings& settings);

/// The file that the command line, the environment or the system names.
Result<std::string> stateFile(const config::Values& values);

/// Absolute, without links; of a directory that may not answer, only where it is. InvalidArgument for one that the
/// state file could not name.
Result<std::string> mountDirectory(const std::string& text);

/// When a command that starts now has to end; none for --timeout 0.
Deadline limit(const config::Values& values);

}  // namespace mc::mount
