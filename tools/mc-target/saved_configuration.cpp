#include "mc-target/saved_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/text.h"
#include "base/units.h"
#include "config/documents.h"
#include "config/toml_file.h"
#include "io/file_facts.h"
#include "mc-target/options.h"
#include "metadata/open_store.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::target {
namespace {

// What is told by the target itself.
constexpr std::array<std::string_view, 6> kLive{"memory",         "file", "file-number", "force", "local-server-name",
                                                "metadata-server"};
// The same, once files are served.
constexpr std::array<std::string_view, 5> kLiveOfFiles{"trid", "trtype", "adrfam", "traddr", "trsvcid"};

std::string line(std::string_view key, std::string_view value) {
    return fmt::format("{} = {}\n", key, value);
}

std::string list(const std::vector<std::string>& items) {
    return fmt::format("[{}]", join(items, ", "));
}

std::string memoryLine(const std::vector<control::ServedBuffer>& buffers) {
    if (buffers.empty()) return {};
    std::vector<std::string> items;
    for (const auto& buffer : buffers) {
        const std::string node = buffer.location == "*" ? "" : "@" + buffer.location;
        items.push_back(config::quoteToml(formatSize(buffer.length) + node));
    }
    return line("memory", list(items));
}

std::string fileLines(const std::vector<control::ServedFile>& files) {
    if (files.empty()) return {};
    std::vector<std::string> items;
    std::vector<std::string> numbers;
    bool usual = true;
    for (const auto& file : files) {
        items.push_back(
            config::quoteToml(toString(control::FileRequest{.path = file.path, .size = file.asked_size, .number = 0})));
        numbers.push_back(std::to_string(file.number));
        usual = usual && file.number == items.size();
    }
    std::string lines = line("file", list(items));
    if (!usual) lines += line("file_number", list(numbers));
    if (std::ranges::any_of(files, &control::ServedFile::forced)) lines += line("force", "true");
    return lines;
}

bool isOneOf(std::string_view name, std::span<const std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

// An option that only says how a run of the tool prints is not part of it.
bool isOfPrinting(const config::Option& option) {
    return std::ranges::any_of(config::optionsOf(targetTool()),
                               [&](const config::Option* common) { return common->name == option.name; });
}

bool isKept(const config::Values::Entry& entry, bool files) {
    const config::Option& option = *entry.option;
    const bool given = entry.set && entry.origin.source != config::Origin::Source::Default;
    return given && option.toml && !option.secret && !option.environment_only && !isOfPrinting(option) &&
           !isOneOf(option.name, kLive) && !(files && isOneOf(option.name, kLiveOfFiles));
}

// Another run may be in another directory.
config::Values::Entry withAbsolutePaths(config::Values::Entry entry) {
    if (!entry.option->file) return entry;
    for (auto& item : entry.items) {
        auto& path = std::get<std::string>(item);
        if (!path.empty() && path != "none") path = io::absolutePath(path);
    }
    return entry;
}

// Without a metadata server the name is the address as it is bound.
Result<std::string> serverName(const config::Values& values, const TransferEngine& engine) {
    std::string given = values.text("local-server-name");
    if (!metadata::isP2pHandshake(values.text("metadata-server"))) return given;
    const auto bound = parseHostPort(engine.localIpAndPort());
    if (!bound) return std::unexpected(bound.error());
    const auto host = parseHostPort(given);
    return host ? formatHostPort(host->host, bound->port.value_or(0)) : given;
}

}  // namespace

Result<std::string> SavedConfiguration::toml() const {
    const auto name = serverName(values_, target_.engine());
    if (!name) return std::unexpected(name.error());
    const auto service = target_.engine().fileService();
    std::string text = "# What this target serves: mc-target restore FILE serves it again.\n";
    text += line("local_server_name", config::quoteToml(*name));
    text += line("metadata_server", config::quoteToml(withoutCredentials(values_.text("metadata-server"))));
    text += memoryLine(target_.buffers()) + fileLines(target_.files());
    if (service) text += line("trid", config::quoteToml(nvmeof::formatTransportId(service->bound)));
    for (const auto& entry : values_.entries()) {
        if (isKept(entry, service.has_value()))
            text += line(config::tomlKey(*entry.option), config::tomlValue(withAbsolutePaths(entry)));
    }
    return text;
}

}  // namespace mc::target
