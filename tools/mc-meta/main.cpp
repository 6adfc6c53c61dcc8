#include "common/main.h"

#include <array>
#include <string_view>

#include "base/errors.h"
#include "mc-meta/commands.h"
#include "mc-meta/options.h"
#include "mc-meta/serve.h"

namespace {

struct Verb {
    std::string_view name;
    mc::Result<mc::ExitCode> (*run)(const mc::config::Values& values, mc::tools::StopSignals& stop);
};

constexpr std::array kVerbs{
    Verb{"serve", mc::meta::runServe},   Verb{"get", mc::meta::runGet},         Verb{"put", mc::meta::runPut},
    Verb{"remove", mc::meta::runRemove}, Verb{"list", mc::meta::runList},       Verb{"show", mc::meta::runShow},
    Verb{"dump", mc::meta::runDump},     Verb{"restore", mc::meta::runRestore}, Verb{"copy", mc::meta::runCopy},
    Verb{"verify", mc::meta::runVerify}, Verb{"gc", mc::meta::runGc},           Verb{"watch", mc::meta::runWatch},
};

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    for (const Verb& verb : kVerbs) {
        if (verb.name == values.command()) return verb.run(values, stop);
    }
    return mc::fail(mc::ErrorCode::Internal, "this command has no code");
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::meta::metaTool(), argc, argv, run);
}
