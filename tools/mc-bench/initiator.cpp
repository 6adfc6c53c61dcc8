#include "mc-bench/modes.h"

namespace mc::bench {

Result<ExitCode> runInitiator(const Settings& settings, tools::StopSignals& stop) {
    return measure(settings, settings.segment_id, stop);
}

}  // namespace mc::bench
