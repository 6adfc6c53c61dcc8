#include <utility>

#include "mc-bench/modes.h"

namespace mc::bench {

Result<ExitCode> runLoopback(const Settings& settings, tools::StopSignals& stop) {
    Settings local = settings;
    auto target = Side::openTarget(local);
    if (!target) return std::unexpected(target.error());
    // The initiator's own ports are drawn: what the options name is the target's.
    local.unnamed = true;
    local.engine.tcp.data_port = 0;
    return measure(local, (*target)->engine().localServerName(), stop);
}

}  // namespace mc::bench
