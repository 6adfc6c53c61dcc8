#include "mc-mount/settings.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "base/errors.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/scalar.h"
#include "engine/engine_options.h"
#include "metadata/open_store.h"
#include "mount/state_file.h"

namespace mc::mount {
namespace {

using config::Origin;

std::string hostName() {
    utsname system{};
    return ::uname(&system) == 0 ? system.nodename : "localhost";
}

// How this command speaks, and what is not the mount's.
bool isPassing(std::string_view name) {
    static constexpr std::array<std::string_view, 10> kPassing{"json",         "quiet",   "color",      "config",
                                                               "print-config", "verbose", "foreground", "dry-run",
                                                               "state-file",   "segment"};
    return std::ranges::find(kPassing, name) != kPassing.end() || name == "directory";
}

void appendOption(std::vector<std::string>& words, const config::Values::Entry& entry) {
    const config::Option& option = *entry.option;
    std::vector<std::string> items;
    for (const auto& item : entry.items) {
        std::string text = config::formatScalar(item);
        if (option.file && !text.empty()) text = std::filesystem::absolute(text).string();
        items.push_back(std::move(text));
    }
    if (option.repeated && !option.unsplit) {
        words.push_back(fmt::format("--{}={}", option.name, join(items, ",")));
        return;
    }
    for (const auto& item : items)
        words.push_back(fmt::format("--{}={}", option.name, item));
}

// Wherever they came from, so that the same is mounted where that is not there any more.
std::vector<std::string> sameAgain(const config::Values& values, const std::string& directory) {
    std::vector<std::string> words;
    for (const auto& entry : values.entries()) {
        const config::Option& option = *entry.option;
        const bool kept = entry.set && entry.origin.source != Origin::Source::Default && !option.secret &&
                          !option.environment_only && !isPassing(option.name);
        if (kept) appendOption(words, entry);
    }
    words.insert(words.end(), {"--", values.text("segment"), directory});
    return words;
}

Result<void> checkTogether(const config::Values& values, bool kernel) {
    if (!kernel && values.given("fs")) return std::unexpected(values.error("fs", "is of --through=kernel"));
    for (const auto* name : {"cache", "allow-other", "threads", "foreground", "log-file"}) {
        if (kernel && values.given(name)) return std::unexpected(values.error(name, "is of --through=fuse"));
    }
    if (kernel && values.flag("read-only") && !values.given("fs")) {
        return std::unexpected(values.error("read-only", "can't be had of links to devices, which can be written",
                                            "--through=fuse, or --fs with it"));
    }
    return {};
}

// Where there is no metadata server, a segment's name is an address.
Result<void> nameSegment(const config::Values& values, Settings& settings) {
    settings.segment = values.text("segment");
    if (metadata::isP2pHandshake(settings.metadata_server)) return {};
    auto key = metadata::parseSegmentKey(metadata::KeyNames(settings.engine.metadata_cluster_id), settings.segment,
                                         metadata::SegmentKind::Memory);
    if (!key) return std::unexpected(key.error());
    settings.segment = key->name;
    if (key->kind == metadata::SegmentKind::Files) settings.published = std::move(*key);
    return {};
}

}  // namespace

Result<Settings> settingsFrom(const config::Values& values) {
    auto engine = engineOptionsFrom(values);
    if (!engine) return std::unexpected(engine.error());
    auto directory = mountDirectory(values.text("directory"));
    if (!directory) return std::unexpected(directory.error());
    auto state_file = stateFile(values);
    if (!state_file) return std::unexpected(state_file.error());
    Settings settings{.segment = {},
                      .published = {},
                      .via = values.text("via"),
                      .server_name = values.given("as") ? values.text("as") : hostName(),
                      .selection = values.texts("file"),
                      .metadata_server = values.text("metadata-server"),
                      .timeout = std::chrono::duration_cast<std::chrono::milliseconds>(values.duration("timeout")),
                      .engine = std::move(*engine),
                      .kernel = values.text("through") == "kernel",
                      .file_system = values.text("fs"),
                      .fuse = {.directory = *directory,
                               .source = values.text("segment"),
                               .read_only = values.flag("read-only"),
                               .allow_other = values.flag("allow-other"),
                               .kernel_cache = values.text("cache") == "kernel",
                               .threads = static_cast<unsigned>(values.integer("threads"))},
                      .state_file = std::move(*state_file),
                      .options = sameAgain(values, *directory),
                      .foreground = values.flag("foreground")};
    if (auto checked = checkTogether(values, settings.kernel); !checked) return std::unexpected(checked.error());
    if (auto named = nameSegment(values, settings); !named) return std::unexpected(named.error());
    for (const auto* name : {"as", "via"}) {
        if (values.given(name) && !settings.published) {
            return std::unexpected(
                values.error(name, "is of a segment that mc-register add has published", "that is called nvmeof/NAME"));
        }
    }
    // What the tool was told about how much to say stands.
    settings.engine.log_level = values.flag("quiet") ? "error" : settings.engine.log_level;
    if (values.flag("quiet")) settings.engine.verbose = false;
    return settings;
}

Result<std::shared_ptr<metadata::Store>> openStore(const Settings& settings) {
    if (metadata::isP2pHandshake(settings.metadata_server)) return nullptr;
    auto store = metadata::openStore(settings.metadata_server, settings.engine.metadata);
    if (!store) return std::unexpected(store.error());
    return std::shared_ptr<metadata::Store>(std::move(*store));
}

Result<std::string> stateFile(const config::Values& values) {
    if (!values.given("state-file")) return defaultStateFile();
    return std::filesystem::absolute(values.text("state-file")).lexically_normal().string();
}

Result<std::string> mountDirectory(const std::string& text) {
    if (text.empty() || !isUtf8(text))
        return fail(ErrorCode::InvalidArgument, fmt::format("DIR '{}': is no UTF-8", printable(text)));
    std::error_code ignored;
    std::filesystem::path path = std::filesystem::absolute(text, ignored).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // It ended with a slash.
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored)))
        return std::filesystem::weakly_canonical(path, ignored).string();
    // The directory itself may be a mount whose server is gone.
    const auto parent = std::filesystem::weakly_canonical(path.parent_path(), ignored);
    return (parent / path.filename()).string();
}

Deadline limit(const config::Values& values) {
    const auto timeout = values.duration("timeout");
    if (timeout.count() == 0) return std::nullopt;
    return SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(timeout);
}

}  // namespace mc::mount
