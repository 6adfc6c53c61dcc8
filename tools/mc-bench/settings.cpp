#include <algorithm>
#include <random>

#include "base/address.h"
#include "base/text.h"
#include "common/nvmeof_address_options.h"
#include "config/scalar.h"
#include "engine/engine_options.h"
#include "mc-bench/options.h"
#include "metadata/etcd_endpoints.h"
#include "nvme/kernel/host/kernel_host.h"
#include "segment/protocols.h"

namespace mc::bench {
namespace {

std::vector<std::uint32_t> counts(const config::Values& values, std::string_view name) {
    std::vector<std::uint32_t> result;
    for (const auto value : values.integers(name))
        result.push_back(static_cast<std::uint32_t>(value));
    return result;
}

// Below 2^53, so that every JSON reader keeps it.
std::uint64_t randomSeed() {
    std::random_device device;
    return (static_cast<std::uint64_t>(device() & 0xfffffU) << 32) | device();
}

Result<Workload> workloadFrom(const config::Values& values) {
    const auto operation = parseOperation(values.text("operation"));
    if (!operation) return std::unexpected(operation.error());
    return Workload{.operation = *operation,
                    .read_share = values.number("read-share"),
                    .block_sizes = values.sizes("block-size"),
                    .batch_sizes = counts(values, "batch-size"),
                    .threads = counts(values, "threads"),
                    .batches_in_flight = static_cast<std::uint32_t>(values.integer("batches-in-flight")),
                    .access = values.text("access") == "random" ? Access::Random : Access::Fixed,
                    .duration = values.duration("duration"),
                    .warm_up = values.duration("warmup"),
                    .batch_timeout = values.duration("timeout"),
                    .repeat = static_cast<std::uint32_t>(values.integer("repeat")),
                    .verify = values.flag("verify"),
                    .seed = values.has("seed") ? static_cast<std::uint64_t>(values.integer("seed")) : randomSeed()};
}

// Where nothing is said, loopback.
std::string localServerName(const config::Values& values) {
    const std::string name = values.text("local-server-name");
    return !name.empty() ? name : values.flag("ipv6") ? "::1" : "127.0.0.1";
}

std::vector<std::pair<std::string, std::string>> allOptions(const config::Values& values) {
    std::vector<std::pair<std::string, std::string>> options;
    if (!values.has("local-server-name")) options.emplace_back("local_server_name", localServerName(values));
    for (const auto& entry : values.entries()) {
        if (!entry.set || entry.option->secret || !entry.option->toml || entry.option->environment_only) continue;
        std::vector<std::string> items;
        items.reserve(entry.items.size());
        for (const auto& item : entry.items)
            items.push_back(withoutCredentials(config::formatScalar(item)));
        options.emplace_back(config::tomlKey(*entry.option), join(items, ","));
    }
    return options;
}

Result<std::vector<control::FileRequest>> filesFrom(const config::Values& values) {
    std::vector<control::FileRequest> files;
    for (const auto& text : values.texts("files")) {
        auto file = control::parseFileRequest(text);
        if (!file) return std::unexpected(values.error("files", file.error().message, file.error().hint));
        files.push_back(std::move(*file));
    }
    return files;
}

// Files are served by one transport only.
std::string protocolFrom(const config::Values& values) {
    return values.texts("files").empty() ? values.text("protocol") : std::string(kNvmeofGeneric);
}

Result<void> checkProtocol(const config::Values& values) {
    const std::string protocol = values.text("protocol");
    const bool files = !values.texts("files").empty();
    if (protocol != "tcp" && protocol != kNvmeofGeneric) {
        return std::unexpected(
            values.error("protocol", "is not in this build, which has tcp and nvmeof_generic", "use --protocol=tcp"));
    }
    if (files && values.given("protocol") && protocol != kNvmeofGeneric)
        return std::unexpected(values.error("protocol", "has no files; they need nvmeof_generic"));
    if (files && values.text("mode") == "initiator")
        return std::unexpected(values.error("files", "are what a target serves; an initiator names its segment"));
    if (!files && protocol == kNvmeofGeneric && values.text("mode") != "initiator")
        return std::unexpected(values.error("protocol", "serves files, and no --files are given"));
    return {};
}

Result<void> checkSupported(const config::Values& values) {
    if (auto known = checkProtocol(values); !known) return known;
    const std::string metadata_server = values.text("metadata-server");
    const auto begins = [&](std::string_view scheme) { return metadata_server.starts_with(scheme); };
    if (metadata_server != "P2PHANDSHAKE" && !begins("http://") && !begins("https://") && !begins("redis://") &&
        !begins("etcd://") && !metadata::isEndpointList(metadata_server)) {
        return std::unexpected(values.error(
            "metadata-server", "is not in this build, which has P2PHANDSHAKE, http://, redis:// and etcd://",
            "mc-meta serve is such a server; P2PHANDSHAKE needs none"));
    }
    if (values.flag("use-vram")) {
        return std::unexpected(
            values.error("use-vram", "needs GPU support, which this build has not", "use --use_vram=false"));
    }
    if (values.text("mode") == "initiator" && values.text("segment-id").empty()) {
        return std::unexpected(values.error("mode", "needs --segment_id, the name of the target's segment",
                                            "mc-bench --mode=target prints it; --mode=loopback needs none"));
    }
    // Named elsewhere it is for files only, which the segment may be none of.
    const bool by_kernel = values.text("initiator") == "kernel" &&
                           values.origin("initiator").source == config::Origin::Source::Flag &&
                           values.text("mode") != "target";
    if (by_kernel) {
        if (auto usable = nvme::kernel::KernelHost().checkUsable(); !usable) {
            usable.error().hint += "; or go without the kernel: --initiator=user";
            return usable;
        }
    }
    if (values.flag("json") && values.flag("csv")) {
        return std::unexpected(values.error("csv", "can't be combined with --json"));
    }
    return {};
}

Result<void> checkAddresses(const config::Values& values) {
    for (const auto* name : {"local-server-name", "segment-id"}) {
        // In a metadata store a segment may have any name.
        if (values.text(name).empty() || values.text("metadata-server") != "P2PHANDSHAKE") continue;
        if (const auto parsed = parseHostPort(values.text(name)); !parsed) {
            const Error& why = parsed.error();
            return std::unexpected(values.error(name, "is no address", why.hint.empty() ? why.message : why.hint));
        }
    }
    if (!values.flag("ipv6")) return {};
    const char* const bound = values.text("bind-address").empty() ? "local-server-name" : "bind-address";
    const auto host = parseHostPort(values.text(bound));
    if (host && isIpv4(host->host)) {
        return std::unexpected(values.error(bound, "is an IPv4 address, but --ipv6 (MC_USE_IPV6) asks for IPv6",
                                            "name an IPv6 address, such as ::1, or use --ipv6=false"));
    }
    return {};
}

}  // namespace

Result<Settings> settingsFrom(const config::Values& values) {
    if (const auto supported = checkSupported(values); !supported) return std::unexpected(supported.error());
    if (const auto right = checkAddresses(values); !right) return std::unexpected(right.error());
    auto workload = workloadFrom(values);
    if (!workload) return std::unexpected(workload.error());
    const auto cases = workload->cases();
    if (!cases) return std::unexpected(cases.error());
    auto engine = engineOptionsFrom(values);
    if (!engine) return std::unexpected(engine.error());
    auto files = filesFrom(values);
    if (!files) return std::unexpected(files.error());
    auto unit = parseReportUnit(values.text("report-unit"));
    if (!unit) return std::unexpected(unit.error());

    Settings settings{.mode = values.text("mode"),
                      .metadata_server = values.text("metadata-server"),
                      .local_server_name = localServerName(values),
                      .unnamed = values.text("mode") == "initiator" && !values.given("local-server-name"),
                      .segment_id = values.text("segment-id"),
                      .protocol = protocolFrom(values),
                      .workload = std::move(*workload),
                      .access_by_segment = values.text("access") == "auto",
                      .files = std::move(*files),
                      .files_address = {},
                      .buffer_size = values.size("buffer-size"),
                      .largest_span = 0,
                      .buffer_raised = false,
                      .report_unit = std::move(*unit),
                      .report_precision = static_cast<unsigned>(values.integer("report-precision")),
                      .format = values.flag("json")  ? Format::Json
                                : values.flag("csv") ? Format::Csv
                                                     : Format::Table,
                      .quiet = values.flag("quiet"),
                      .engine = std::move(*engine),
                      .options = allOptions(values)};
    if (!settings.files.empty()) {
        auto address = tools::nvmeofAddress(values, settings.local_server_name);
        if (!address) return std::unexpected(address.error());
        settings.files_address = std::move(*address);
        tools::setNvmeofBackend(values, "files-backend", settings.engine.nvmeof);
    }
    for (const auto& c : *cases)
        settings.largest_span = std::max(settings.largest_span, c.span());
    settings.buffer_raised = values.given("buffer-size") && settings.buffer_size < settings.largest_span;
    settings.buffer_size = std::max(settings.buffer_size, settings.largest_span);
    if (settings.quiet) {
        settings.engine.log_level = "error";
        settings.engine.verbose = false;
    }
    return settings;
}

}  // namespace mc::bench
