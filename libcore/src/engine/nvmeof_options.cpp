#include "engine/nvmeof_options.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/errors.h"
#include "nvme/auth/key.h"

namespace mc {

namespace {

/// Empty where no file is named.
Result<std::string> keyOf(const config::Values& values, std::string_view option) {
    const std::string path = values.text(option);
    if (path.empty()) return std::string();
    const auto key = nvme::AuthenticationKey::load(path);
    if (!key) return std::unexpected(wrap(option, key.error()));
    return key->text();
}

// As a user gave it.
std::string nameOf(const config::Values& values, std::string_view option) {
    const std::string path = values.text(option);
    return path.empty() ? fmt::format("--{}", option) : fmt::format("--{}={}", option, path);
}

NvmeofInitiator initiatorOf(const config::Values& values) {
    const std::string word = values.text("initiator");
    return word == "kernel" ? NvmeofInitiator::Kernel : word == "auto" ? NvmeofInitiator::Auto : NvmeofInitiator::User;
}

}  // namespace

Result<NvmeofOptions> nvmeofOptionsFrom(const config::Values& values) {
    if (values.flag("initiator-page-cache") && initiatorOf(values) == NvmeofInitiator::User) {
        return std::unexpected(
            values.error("initiator-page-cache", "is only for --initiator=kernel or auto", "leave it out"));
    }
    auto key = keyOf(values, "nvmeof-host-key");
    if (!key) return std::unexpected(key.error());
    auto controller_key = keyOf(values, "nvmeof-controller-key");
    if (!controller_key) return std::unexpected(controller_key.error());
    return NvmeofOptions{
        .direct_io = values.flag("nvmeof-direct-io"),
        .initiator = initiatorOf(values),
        .initiator_page_cache = values.flag("initiator-page-cache"),
        .workers = static_cast<int>(values.integer("nvmeof-workers")),
        .threads = static_cast<int>(values.integer("nvmeof-threads")),
        .host_key_option = nameOf(values, "nvmeof-host-key"),
        .controller_key_option = nameOf(values, "nvmeof-controller-key"),
        .nqn = {},
        .hosts = {},
        .self = {.nqn = values.text("nvmeof-host-nqn"),
                 .key = std::move(*key),
                 .controller_key = std::move(*controller_key)},
        .congestion = values.text("congestion-control"),
        .header_digest = values.flag("header-digest"),
        .data_digest = values.flag("data-digest"),
        .queue_entries = static_cast<std::uint16_t>(values.integer("nvmeof-queue-entries")),
        .loss_timeout = std::chrono::ceil<std::chrono::milliseconds>(values.duration("nvmeof-loss-timeout"))};
}

}  // namespace mc
