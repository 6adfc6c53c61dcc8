#include "engine/nvmeof_options.h"

#include <chrono>

namespace mc {

NvmeofOptions nvmeofOptionsFrom(const config::Values& values) {
    return {.direct_io = values.flag("nvmeof-direct-io"),
            .workers = static_cast<int>(values.integer("nvmeof-workers")),
            .threads = static_cast<int>(values.integer("nvmeof-threads")),
            .nqn = {},
            .header_digest = values.flag("header-digest"),
            .data_digest = values.flag("data-digest"),
            .queue_entries = static_cast<std::uint16_t>(values.integer("nvmeof-queue-entries")),
            .loss_timeout = std::chrono::ceil<std::chrono::milliseconds>(values.duration("nvmeof-loss-timeout"))};
}

}  // namespace mc
