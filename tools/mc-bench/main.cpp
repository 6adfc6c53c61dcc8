#include "common/main.h"

#include "mc-bench/modes.h"

namespace {

mc::Result<mc::ExitCode> run(const mc::config::Values& values, mc::tools::StopSignals& stop) {
    const auto settings = mc::bench::settingsFrom(values);
    if (!settings) return std::unexpected(settings.error());
    if (settings->mode == "target") return mc::bench::runTarget(*settings, stop);
    if (settings->mode == "loopback") return mc::bench::runLoopback(*settings, stop);
    return mc::bench::runInitiator(*settings, stop);
}

}  // namespace

int main(int argc, char** argv) {
    return mc::tools::runMain(mc::bench::benchTool(), argc, argv, run);
}
