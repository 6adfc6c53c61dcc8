#include "common/main.h"

#include <array>
#include <string_view>

#include "base/errors.h"
#include "mc-mount/commands.h"
#include "mc-mount/options.h"

namespace {

struct Verb {
    std::string_view name;
    mc::Result<mc::ExitCode> (*run)(const mc::config::Values& values, mc::tools::StopSignals& stop);
};

constexpr std::array kVerbs{
    Verb{"add", mc::mount::runAdd},       Verb{"remove", mc::mount::runRemove},   Verb{"list", mc::mount::runList},
    Verb{"status", mc::mount::runStatus}, Verb{"restore", mc::mount::runRestore},
};

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    for (const Verb& verb : kVerbs) {
        if (verb.name == values.command()) return verb.run(values, stop);
    }
    return mc::fail(mc::ErrorCode::Internal, "this command has no code");
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::mount::mountTool(), argc, argv, run);
}
