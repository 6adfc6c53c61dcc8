#include "mc-mount/recording.h"

#include "base/errors.h"
#include "common/store_client.h"
#include "engine/engine_options.h"
#include "mc-mount/options.h"
#include "metadata/local_paths.h"

namespace mc::mount {
namespace {

template <typename Files>
LocalPaths localPaths(const std::string& directory, const Files& files) {
    LocalPaths paths;
    for (const auto& file : files)
        paths[file.path] = directory + "/" + file.name;
    return paths;
}

}  // namespace

Result<Recorded> record(metadata::Store& store, const Settings& settings, const std::vector<MountedFile>& files) {
    const auto& segment = *settings.published;
    const LocalPaths paths = localPaths(settings.fuse.directory, files);
    const auto updated = metadata::recordMounting({.store = store,
                                                   .segment = segment,
                                                   .writing = metadata::Writing::Real,
                                                   .deadline = storeDeadline(settings.engine)},
                                                  {.server_name = settings.server_name, .paths = paths});
    if (!updated) return std::unexpected(updated.error());
    tools::warnIfUnguarded(*updated, segment.key);
    return Recorded{.key = segment.key, .server_name = settings.server_name};
}

Result<void> forget(const MountEntry& entry) {
    std::vector<std::string> words{"add"};
    words.insert(words.end(), entry.options.begin(), entry.options.end());
    const config::Sources sources{.arguments = words, .environment = config::processEnvironment(), .toml_file = {}};
    const auto values = config::load(mountTool(), sources);
    if (!values) return std::unexpected(values.error());
    const auto settings = settingsFrom(*values);
    if (!settings) return std::unexpected(settings.error());
    const auto store = openStore(*settings);
    if (!store) return std::unexpected(store.error());
    if (!*store || !settings->published) return {};
    const auto updated = metadata::forgetMounting(
        {.store = **store,
         .segment = *settings->published,
         .writing = metadata::Writing::Real,
         .deadline = storeDeadline(settings->engine)},
        {.server_name = entry.recorded->server_name, .paths = localPaths(entry.directory, entry.files)});
    if (!updated) return std::unexpected(updated.error());
    tools::warnIfUnguarded(*updated, settings->published->key);
    return {};
}

}  // namespace mc::mount
