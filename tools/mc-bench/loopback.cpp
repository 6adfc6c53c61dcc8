#include <utility>

#include "mc-bench/modes.h"

namespace mc::bench {

Result<ExitCode> runLoopback(const Settings& settings, tools::StopSignals& stop) {
    Settings local = settings;
    auto buffers = Side::allocate(local.buffer_size);
    if (!buffers) return std::unexpected(buffers.error());
    auto target = Side::open(local, local.local_server_name);
    if (!target) return std::unexpected(target.error());
    if (auto added = (*target)->addMemory(std::move(*buffers), true); !added) return std::unexpected(added.error());
    // The initiator's own ports are drawn: what the options name is the target's.
    local.unnamed = true;
    local.engine.tcp.data_port = 0;
    return measure(local, (*target)->engine().localServerName(), stop);
}

}  // namespace mc::bench
