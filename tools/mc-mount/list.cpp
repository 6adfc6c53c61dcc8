#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "mc-mount/commands.h"
#include "mc-mount/mounts.h"
#include "mc-mount/settings.h"

namespace mc::mount {
namespace {

std::string table(const std::vector<SeenMount>& mounts) {
    using enum tools::Table::Align;
    tools::Table rows(
        {{"DIRECTORY", Left}, {"SEGMENT", Left}, {"STATE", Left}, {"FILES", Right}, {"SIZE", Right}, {"PID", Right}});
    for (const auto& [entry, state] : mounts) {
        std::uint64_t size = 0;
        for (const EntryFile& file : entry.files)
            size += file.size;
        rows.addRow({printable(entry.directory), printable(entry.segment), toString(state),
                     std::to_string(entry.files.size()), formatSize(size),
                     state == MountState::Mounted ? std::to_string(entry.server.pid) : "-"});
    }
    return rows.toString();
}

}  // namespace

Result<ExitCode> runList(const config::Values& values, tools::StopSignals& /*stop*/) {
    const auto state_file = stateFile(values);
    if (!state_file) return std::unexpected(state_file.error());
    const auto mounts = seeMounts(*state_file);
    if (!mounts) return std::unexpected(mounts.error());
    std::string text = table(*mounts);
    if (values.flag("json")) {
        Json items = Json::array();
        for (const auto& [entry, state] : *mounts)
            items.add(describeMount(entry, toString(state)));
        text = Json{{"schema_version", 1}, {"items", std::move(items)}}.line();
    }
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::mount
