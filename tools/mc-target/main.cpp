#include "common/main.h"

#include "mc-target/commands.h"
#include "mc-target/options.h"

namespace {

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    if (values.command() == "status") return mc::target::status(values);
    if (values.command() == "gc") return mc::target::gc(values, stop);
    if (values.command() == "save") return mc::target::save(values);
    return mc::target::serve(values, stop);  // restore is the same, from a file.
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::target::targetTool(), argc, argv, run);
}
