#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "common/nvmeof_address_options.h"
#include "control/host_keys.h"
#include "engine/engine_options.h"
#include "mc-target/options.h"
#include "nvme/nqn.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::target {
namespace {

io::HugePages hugePages(const config::Values& values) {
    const std::string word = values.text("huge-pages");
    if (word == "transparent") return io::HugePages::Transparent;
    if (word == "never") return io::HugePages::Never;
    if (word == "2MiB") return io::HugePages::TwoMiB;
    if (word == "1GiB") return io::HugePages::OneGiB;
    return io::HugePages::Auto;
}

Result<std::vector<control::MemoryRequest>> memoryFrom(const config::Values& values) {
    std::vector<control::MemoryRequest> requests;
    for (const auto& text : values.texts("memory")) {
        const auto request = control::parseMemoryRequest(text);
        if (!request) return std::unexpected(values.error("memory", request.error().message, request.error().hint));
        requests.push_back(*request);
    }
    return requests;
}

Result<std::vector<control::FileRequest>> filesFrom(const config::Values& values) {
    std::vector<control::FileRequest> requests;
    for (const auto& text : values.texts("file")) {
        auto request = control::parseFileRequest(text);
        if (!request) return std::unexpected(values.error("file", request.error().message, request.error().hint));
        requests.push_back(std::move(*request));
    }
    const auto numbers = values.integers("file-number");
    if (numbers.empty()) return requests;
    if (numbers.size() != requests.size()) {
        return std::unexpected(values.error("file-number",
                                            fmt::format("is for {} of {} files", numbers.size(), requests.size()),
                                            "number all or none"));
    }
    for (std::size_t i = 0; i < numbers.size(); ++i)
        requests[i].number = static_cast<FileBufferID>(numbers[i]);
    return requests;
}

Result<std::string> textOfTrid(const config::Values& values) {
    if (!values.has("trid")) return tools::nvmeofAddress(values, values.text("local-server-name"));
    for (const config::Option& option : tools::kNvmeofAddressOptions) {
        if (values.given(option.name))
            return std::unexpected(values.error(option.name, "can't be combined with --trid"));
    }
    return values.text("trid");
}

// Where something is wrong with it that is found out before anything is taken.
Result<std::string> tridFrom(const config::Values& values) {
    auto text = textOfTrid(values);
    if (!text) return text;
    const auto id = nvmeof::parseTransportId(*text);
    if (!id) return std::unexpected(wrap("--trid", id.error()));
    const auto addresses = nvmeof::ipAddresses(*id);
    if (!addresses) return std::unexpected(wrap(values.has("trid") ? "--trid" : "files", addresses.error()));
    return nvmeof::formatTransportId(*id);
}

// A host with a key must prove itself, also where it is allowed by its name.
Result<std::vector<NvmeofHost>> hostsFrom(const config::Values& values) {
    std::vector<NvmeofHost> hosts;
    if (values.has("host-keys")) {
        auto keyed = control::readHostKeys(values.text("host-keys"));
        if (!keyed) return std::unexpected(wrap("host keys", keyed.error()));
        hosts = std::move(*keyed);
    }
    for (const std::string& nqn : values.texts("allow-host")) {
        if (auto named = nvme::checkNqn(nqn); !named)
            return std::unexpected(values.error("allow-host", named.error().message, named.error().hint));
        if (std::ranges::find(hosts, nqn, &NvmeofHost::nqn) == hosts.end())
            hosts.push_back({.nqn = nqn, .key = {}, .controller_key = {}});
    }
    return hosts;
}

Result<void> addNvmeofOptions(const config::Values& values, NvmeofOptions& options) {
    tools::setNvmeofBackend(values, "backend", options);
    if (values.has("trid")) options.port_option = "--trid";
    options.nqn = values.text("nqn");
    if (!options.nqn.empty()) {
        if (auto named = nvme::checkNqn(options.nqn); !named)
            return std::unexpected(values.error("nqn", "is no NVMe qualified name", named.error().hint));
    }
    auto hosts = hostsFrom(values);
    if (!hosts) return std::unexpected(hosts.error());
    options.hosts = std::move(*hosts);
    return {};
}

}  // namespace

Result<control::TargetOptions> targetOptionsFrom(const config::Values& values) {
    auto memory = memoryFrom(values);
    if (!memory) return std::unexpected(memory.error());
    auto files = filesFrom(values);
    if (!files) return std::unexpected(files.error());
    if (memory->empty() && files->empty()) {
        return std::unexpected(
            Error{ErrorCode::InvalidArgument, "nothing to serve: neither --memory nor --file is given",
                  "--memory 1GiB serves a buffer of this size, --file PATH a file or a block device"});
    }
    if (values.text("metadata-server") == "memory:") {
        return std::unexpected(values.error("metadata-server", "is in this process only: nobody could find the segment",
                                            "use P2PHANDSHAKE, which needs no server"));
    }
    auto trid = files->empty() ? textOfTrid(values) : tridFrom(values);
    if (!trid) return std::unexpected(trid.error());
    auto engine = engineOptionsFrom(values);
    if (!engine) return std::unexpected(engine.error());
    if (auto added = addNvmeofOptions(values, engine->nvmeof); !added) return std::unexpected(added.error());
    if (values.flag("quiet")) {
        engine->log_level = "error";
        engine->verbose = false;
    }
    return control::TargetOptions{.metadata_server = values.text("metadata-server"),
                                  .server_name = values.text("local-server-name"),
                                  .protocol = values.text("protocol"),
                                  .memory = std::move(*memory),
                                  .huge_pages = hugePages(values),
                                  .lock = values.flag("lock"),
                                  .files = std::move(*files),
                                  .read_only = values.flag("read-only"),
                                  .force = values.flag("force"),
                                  .trid = std::move(*trid),
                                  .engine = std::move(*engine),
                                  .keep_alive = values.duration("keep-alive"),
                                  .stop = {}};
}

}  // namespace mc::target
