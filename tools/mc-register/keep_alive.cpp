#include "mc-register/keep_alive.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "base/units.h"
#include "common/store_client.h"
#include "metadata/kept_segment.h"

namespace mc::registering {

ExitCode keepAlive(const config::Values& values, metadata::KeptSegment& segment, const std::string& key,
                   tools::StopSignals& stop) {
    const auto interval = values.duration("keep-alive");
    if (!values.flag("quiet")) {
        fmt::print(stderr, "looking after {} every {}, until SIGINT or SIGTERM\n", printable(key),
                   formatDuration(interval));
    }
    std::string last_problem;  // Told once.
    do {
        const auto put_back = segment.look(tools::commandDeadline(values));
        if (put_back && *put_back) fmt::print(stderr, "{} was missing, and is published again\n", printable(key));
        const std::string problem = put_back ? "" : put_back.error().message;
        if (!problem.empty() && problem != last_problem) fmt::print(stderr, "warning: {}\n", problem);
        last_problem = problem;
    } while (!stop.wait(interval));
    return ExitCode::Ok;
}

}  // namespace mc::registering
