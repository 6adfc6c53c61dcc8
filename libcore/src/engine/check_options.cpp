#include <fmt/format.h>

#include "base/errors.h"
#include "base/units.h"
#include "engine/engine_options.h"

namespace mc {
namespace {

using std::chrono::milliseconds;

Result<void> within(std::string_view name, milliseconds value, milliseconds least, milliseconds most) {
    if (value >= least && value <= most) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("engine option {}: {} ms is not from {} to {} ms", name,
                                                        value.count(), least.count(), most.count()));
}

}  // namespace

// What fits into no deadline, or would make a thread spin.
Result<void> checkEngineOptions(const EngineOptions& options) {
    constexpr milliseconds kNone{0};
    constexpr milliseconds kLeast{1};
    constexpr milliseconds kLeastInterval{100};
    constexpr milliseconds kMost = std::chrono::hours(24);
    constexpr milliseconds kYear = std::chrono::hours(8760);
    for (const auto& checked : {
             within("tcp.connect_timeout", options.tcp.connect_timeout, kLeast, kMost),
             within("tcp.status_timeout", options.tcp.status_timeout, kLeast, kMost),
             within("tcp.stall_timeout", options.tcp.stall_timeout, kNone, kMost),
             within("tcp.idle_timeout", options.tcp.idle_timeout, kNone, kYear),
             within("nvmeof.loss_timeout", options.nvmeof.loss_timeout, kNone, kMost),
             within("handshake_connect_timeout", options.handshake_connect_timeout, kLeast, kMost),
             within("handshake_reply_timeout", options.handshake_reply_timeout, kLeast, kMost),
             within("slice_timeout", options.slice_timeout, kNone, kYear),
             options.metrics ? within("metrics_interval", options.metrics_interval, kLeastInterval, kMost)
                             : Result<void>{},
         }) {
        if (!checked) return checked;
    }
    return {};
}

}  // namespace mc
