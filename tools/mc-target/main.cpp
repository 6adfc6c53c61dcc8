#include "common/main.h"

#include "mc-target/commands.h"
#include "mc-target/options.h"

namespace {

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    return values.command() == "status" ? mc::target::status(values) : mc::target::serve(values, stop);
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::target::targetTool(), argc, argv, run);
}
