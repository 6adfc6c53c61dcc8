#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/sd_notify.h"
#include "common/descriptor_limit.h"
#include "common/output.h"
#include "control/control_server.h"
#include "control/methods.h"
#include "mc-target/commands.h"
#include "mc-target/options.h"
#include "mc-target/ready.h"
#include "mc-target/saved_configuration.h"
#include "nvme/target/target.h"

namespace mc::target {
namespace {

using MaybeSocket = std::optional<control::ControlSocket>;

Result<MaybeSocket> bindControl(const std::filesystem::path& path) {
    auto socket = control::ControlSocket::bind(path);
    if (!socket) return std::unexpected(socket.error());
    return MaybeSocket(std::move(*socket));
}

// What `save` answers with.
control::RpcMethods methodsOf(control::Target& target, const config::Values& values, const std::string& socket) {
    auto methods = control::targetMethods(target, socket);
    methods.add(
        "save", "the configuration with which the same is served again, as TOML",
        [&target, saved = SavedConfiguration(values, target)](const nlohmann::json& params) -> Result<nlohmann::json> {
            if (auto none = control::expectNoParams(params); !none) return std::unexpected(none.error());
            const auto toml = saved.toml();
            if (!toml) return std::unexpected(toml.error());
            return nlohmann::json{{"schema_version", 1}, {"name", target.name()}, {"toml", *toml}};
        });
    return methods;
}

/// Null where none is wanted. `named`: the socket, where its path does not depend on the segment's name.
Result<std::unique_ptr<control::ControlServer>> startControl(const config::Values& values, MaybeSocket named,
                                                             control::Target& target) {
    if (values.text("control-socket") == "none") return nullptr;
    auto socket = named ? Result<MaybeSocket>(std::move(named))
                        : bindControl(control::socketPath(control::socketDirectory(), target.name()));
    if (!socket) return std::unexpected(socket.error());
    const std::string path = (*socket)->path().native();
    return control::ControlServer::start(std::move(**socket), methodsOf(target, values, path));
}

}  // namespace

Result<ExitCode> serve(const config::Values& values, tools::StopSignals& stop) {
    auto options = targetOptionsFrom(values);
    if (!options) return std::unexpected(options.error());
    options->stop = stop.token();
    const std::string asked = values.text("control-socket");
    // What is taken is found out before anything is published.
    auto named = !asked.empty() && asked != "none" ? bindControl(asked) : Result<MaybeSocket>();
    if (!named) return std::unexpected(named.error());
    // Of memory, and of files. Where it is not enough, what can't be accepted waits.
    (void)tools::raiseDescriptorLimit(options->engine.tcp.max_connections + nvme::TargetOptions{}.max_connections);
    notifyServiceManager("STATUS=Taking memory");
    auto target = control::Target::open(*options);
    if (!target) return std::unexpected(target.error());
    if (!*target) return ExitCode::Ok;
    auto control = startControl(values, std::move(*named), **target);
    if (!control) return std::unexpected(control.error());
    const auto ready = describeReady(**target, *options, *control ? (*control)->path().native() : "");
    if (!ready) return std::unexpected(ready.error());

    const bool quiet = values.flag("quiet");
    if (!quiet) tellReady(*ready, *options);
    if (auto printed = tools::writeData(values.flag("json") ? readyDocument(*ready) : readyTable(*ready)); !printed)
        return std::unexpected(printed.error());
    notifyServiceManager(fmt::format("READY=1\nSTATUS=Serving {}", ready->serving.segment));
    stop.wait();
    notifyServiceManager("STOPPING=1");
    if (!quiet) fmt::print(stderr, "stopping\n");
    control->reset();  // Nobody asks any more when the target goes.
    return ExitCode::Ok;
}

}  // namespace mc::target
