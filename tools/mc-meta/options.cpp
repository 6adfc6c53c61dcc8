#include "mc-meta/options.h"

#include <array>

#include "common/common_options.h"
#include "mc-meta/serve_options.h"

namespace mc::meta {
namespace {

constexpr std::array kCommands{kServe};

}  // namespace

const config::Tool& metaTool() {
    static const config::Tool tool{
        .main = {.name = "mc-meta",
                 .summary = "the metadata server of a cluster",
                 .description = "Engines find each other by keys of a metadata server.",
                 .examples = {{"Run a server", "mc-meta serve"}},
                 .options = {tools::kCommonOptions},
                 .exit_codes = {{ExitCode::Ok, "done; a server was stopped"},
                                {ExitCode::Usage, "an option or an argument is wrong"},
                                {ExitCode::BadData, "serve: the file is damaged, or no metadata store"},
                                {ExitCode::NoInput, "a file can't be read"},
                                {ExitCode::Unavailable, "serve: another process has the file open"},
                                {ExitCode::System, "the operating system refused memory, threads or descriptors"},
                                {ExitCode::CannotCreate, "serve: a port can't be bound, or the file not be made"},
                                {ExitCode::Io, "a file or standard output can't be written"},
                                {ExitCode::NotPermitted, "serve: the file may not be written"},
                                {ExitCode::Config, "the configuration file or the environment is wrong"}}},
        .commands = kCommands};
    return tool;
}

}  // namespace mc::meta
