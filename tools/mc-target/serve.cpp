#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/json.h"
#include "base/sd_notify.h"
#include "base/units.h"
#include "common/output.h"
#include "common/serving.h"
#include "common/table.h"
#include "control/control_server.h"
#include "control/methods.h"
#include "mc-target/commands.h"
#include "mc-target/options.h"

namespace mc::target {
namespace {

using tools::Serving;

std::string pagesOf(const control::ServedBuffer& buffer) {
    return formatSize(buffer.page_size) + (buffer.transparent ? ", may be joined" : "");
}

std::string readyDocument(const Serving& ready, const control::Target& target, const std::string& socket,
                          const std::string& initiator) {
    Json buffers = Json::array();
    for (const auto& buffer : target.buffers()) {
        buffers.add({{"number", buffer.number},
                     {"addr", buffer.addr},
                     {"length_bytes", buffer.length},
                     {"location", buffer.location},
                     {"page_size_bytes", buffer.page_size}});
    }
    const Json document{{"schema_version", 1},
                        {"event", "ready"},
                        {"name", ready.segment},
                        {"pid", ::getpid()},
                        {"host", ready.host},
                        {"rpc_port", ready.rpc_port},
                        {"data_port", ready.data_port},
                        {"buffers", buffers},
                        {"control_socket", socket.empty() ? Json(nullptr) : Json(socket)},
                        {"initiator", initiator}};
    return document.line();
}

std::string readyTable(const Serving& ready, const control::Target& target, const std::string& socket) {
    using Align = tools::Table::Align;
    tools::Table table({{"Buffer"}, {"Size"}, {"Location", Align::Left}, {"Pages", Align::Left}});
    for (const auto& buffer : target.buffers()) {
        table.addRow({std::to_string(buffer.number), formatSize(buffer.length), buffer.location, pagesOf(buffer)});
    }
    return fmt::format("ready: segment {}, data port {}, pid {}\n{}{}", ready.segment, ready.data_port, ::getpid(),
                       socket.empty() ? "" : fmt::format("control socket {}\n", socket), table.toString());
}

using MaybeSocket = std::optional<control::ControlSocket>;

Result<MaybeSocket> bindControl(const std::filesystem::path& path) {
    auto socket = control::ControlSocket::bind(path);
    if (!socket) return std::unexpected(socket.error());
    return MaybeSocket(std::move(*socket));
}

/// Null where none is wanted. `named`: the socket, where its path does not depend on the segment's name.
Result<std::unique_ptr<control::ControlServer>> startControl(bool wanted, MaybeSocket named, control::Target& target,
                                                             const std::string& name) {
    if (!wanted) return nullptr;
    auto socket = named ? Result<MaybeSocket>(std::move(named))
                        : bindControl(control::socketPath(control::socketDirectory(), name));
    if (!socket) return std::unexpected(socket.error());
    const std::string path = (*socket)->path().native();
    return control::ControlServer::start(std::move(**socket), control::targetMethods(target, path));
}

std::uint64_t smallestOf(const std::vector<control::ServedBuffer>& buffers) {
    std::uint64_t smallest = UINT64_MAX;
    for (const auto& buffer : buffers)
        smallest = std::min(smallest, buffer.length);
    return smallest;
}

}  // namespace

Result<ExitCode> serve(const config::Values& values, tools::StopSignals& stop) {
    auto options = targetOptionsFrom(values);
    if (!options) return std::unexpected(options.error());
    options->stop = stop.token();
    const std::string asked = values.text("control-socket");
    const bool controlled = asked != "none";
    // What is taken is found out before anything is published.
    auto named = controlled && !asked.empty() ? bindControl(asked) : Result<MaybeSocket>();
    if (!named) return std::unexpected(named.error());
    notifyServiceManager("STATUS=Taking memory");
    auto target = control::Target::open(*options);
    if (!target) return std::unexpected(target.error());
    if (!*target) return ExitCode::Ok;
    const auto ready = tools::describeServing((*target)->engine());
    if (!ready) return std::unexpected(ready.error());
    auto control = startControl(controlled, std::move(*named), **target, ready->segment);
    if (!control) return std::unexpected(control.error());

    const std::string socket = *control ? (*control)->path().native() : "";
    const std::string initiator = tools::initiatorCommand(*ready, options->metadata_server, options->engine,
                                                          tools::fittingWorkload(smallestOf((*target)->buffers())));
    const bool quiet = values.flag("quiet");
    if (!quiet) {
        tools::warnIfReachable(tools::boundHost(options->engine, options->server_name, ready->host));
        fmt::print(stderr, "start an initiator with:\n  {}\n", initiator);
    }
    const bool json = values.flag("json");
    if (auto printed = tools::writeData(json ? readyDocument(*ready, **target, socket, initiator)
                                             : readyTable(*ready, **target, socket));
        !printed) {
        return std::unexpected(printed.error());
    }
    notifyServiceManager(fmt::format("READY=1\nSTATUS=Serving {}", ready->segment));
    stop.wait();
    notifyServiceManager("STOPPING=1");
    if (!quiet) fmt::print(stderr, "stopping\n");
    control->reset();  // Nobody asks any more when the target goes.
    return ExitCode::Ok;
}

}  // namespace mc::target
