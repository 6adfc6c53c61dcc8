#include "common/main.h"

#include <array>
#include <string_view>

#include "base/errors.h"
#include "mc-register/commands.h"
#include "mc-register/options.h"

namespace {

struct Verb {
    std::string_view name;
    mc::Result<mc::ExitCode> (*run)(const mc::config::Values& values, mc::tools::StopSignals& stop);
};

constexpr std::array kVerbs{
    Verb{"add", mc::registering::runAdd},
    Verb{"remove", mc::registering::runRemove},
    Verb{"list", mc::registering::runList},
    Verb{"show", mc::registering::runShow},
};

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    for (const Verb& verb : kVerbs) {
        if (verb.name == values.command()) return verb.run(values, stop);
    }
    return mc::fail(mc::ErrorCode::Internal, "this command has no code");
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::registering::registerTool(), argc, argv, run);
}
