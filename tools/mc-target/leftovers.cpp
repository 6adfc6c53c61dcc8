#include "mc-target/leftovers.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "nvme/kernel/target/reclaim.h"

namespace mc::target {

std::string leftoversNote() {
    const auto records = nvmet::recordDirectory();
    // None was ever used, and this is no reason to make it.
    if (std::error_code unreadable; !std::filesystem::exists(records, unreadable)) return {};
    const auto lock = nvmet::DirectoryLock::take(records);
    if (!lock) {
        log::debug("{}", lock.error().message);
        return {};
    }
    const auto left = nvmet::findLeftovers(records);
    if (left.empty()) return {};
    const std::string more = left.size() > 1 ? fmt::format(", and {} more", left.size() - 1) : "";
    return fmt::format(
        "the kernel still serves what a killed mc-target has left: {}{}; mc-target gc --yes takes it down",
        nvmet::describe(left.front()), more);
}

}  // namespace mc::target
