#include "common/main.h"

#include "base/json.h"
#include "common/common_options.h"
#include "common/output.h"
#include "docgen/documents.h"
#include "docgen/registry.h"

namespace {

using mc::config::Command;
using mc::config::Option;

constexpr Option kRoot[] = {{.name = "root",
                             .placeholder = "ROOT",
                             .positional = true,
                             .required = true,
                             .summary = "the source tree that has man/ and completions/"}};

constexpr Command kCommands[] = {
    {.name = "update",
     .summary = "write what differs from the option tables",
     .examples = {{"In a clone", "mc-docgen update ."}, {"See what would change", "mc-docgen check ."}},
     .options = {kRoot}},
    {.name = "check",
     .summary = "name what differs, and exit with 1 if anything does",
     .examples = {{"In a clone", "mc-docgen check ."}, {"Repair", "mc-docgen update ."}},
     .options = {kRoot}},
};

constexpr mc::config::Tool kDocgen{
    .main = {.name = "mc-docgen",
             .summary = "keep manual pages and completions as the option tables have them",
             .examples = {{"After changing a table", "mc-docgen update ."}, {"In a test", "mc-docgen check ."}},
             .options = {mc::tools::kCommonOptions}},
    .commands = kCommands,
};

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& /*stop*/) {
    const bool check = values.command() == "check";
    const auto tools = mc::tools::documentedTools();
    const auto paths = check ? mc::tools::findOutdated(tools, values.text("root"))
                             : mc::tools::updateDocuments(tools, values.text("root"));
    if (!paths) return std::unexpected(paths.error());
    std::string text;
    if (values.flag("json")) {
        text = mc::Json{{"schema_version", 1}, {"items", *paths}}.line();
    } else {
        for (const auto& path : *paths)
            text += path + "\n";
    }
    if (auto written = mc::tools::writeData(text); !written) return std::unexpected(written.error());
    return check && !paths->empty() ? mc::ExitCode::Negative : mc::ExitCode::Ok;
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(kDocgen, argc, argv, run);
}
