#include "mc-target/options.h"

#include "common/common_options.h"
#include "engine/engine_options.h"

namespace mc::target {
namespace {

using config::Command;
using config::Option;
using config::Type;

constexpr std::string_view kMemory = "Memory";
constexpr std::string_view kSegment = "Segment";
constexpr std::string_view kControl = "Control";

constexpr Option kServeOptions[] = {
    {.name = "memory",
     .placeholder = "SIZE[@cpu:N]",
     .repeated = true,
     .accumulates = true,
     .group = kMemory,
     .summary = "a buffer to serve; several make several buffers",
     .details = "With @cpu:N all of it is on NUMA node N. Without, its pages are spread over all nodes."},
    {.name = "huge-pages",
     .type = Type::Choice,
     .choices = {"auto", "transparent", "never", "2MiB", "1GiB"},
     .fallback = "auto",
     .group = kMemory,
     .summary = "pages that the buffers are made of",
     .details =
         "auto: explicit ones of 2 MiB where enough of them are free, else ordinary ones that the kernel may join "
         "(transparent). never: ordinary ones. A size: explicit ones of this size, or an error."},
    {.name = "lock",
     .type = Type::Flag,
     .group = kMemory,
     .summary = "keep the buffers from being paged out",
     .details = "Needs RLIMIT_MEMLOCK (ulimit -l) to be large enough, or root."},
    {.name = "metadata-server",
     .placeholder = "URI",
     .fallback = "P2PHANDSHAKE",
     .group = kSegment,
     .summary = "where the segment is published",
     .details =
         "P2PHANDSHAKE needs no server: peers ask this process itself. Else http://HOST:8080/metadata, https://, "
         "redis://[USER@]HOST[:PORT][/DATABASE] or etcd://HOST:2379[,HOST:2379...]."},
    {.name = "keep-alive",
     .placeholder = "INTERVAL",
     .type = Type::Duration,
     .max = "24h",
     .fallback = "10s",
     .group = kSegment,
     .summary = "how often to look whether the metadata server still has the segment; 0: never",
     .details = "What it has lost, as one that keeps it in memory does when it restarts, is published again, unless "
                "somebody else has taken the name meanwhile."},
    {.name = "local-server-name",
     .placeholder = "HOST[:PORT]",
     .fallback = "127.0.0.1",
     .group = kSegment,
     .summary = "the segment's name, and the address to bind",
     .details = "Without a port, one of the range --min-port to --max-port."},
    {.name = "protocol",
     .type = Type::Choice,
     .choices = {"tcp"},
     .fallback = "tcp",
     .group = kSegment,
     .summary = "transport; this build has tcp"},
    {.name = "control-socket",
     .placeholder = "PATH",
     .file = true,
     .group = kControl,
     .summary = "UNIX socket that answers mc-target status and mc-register; none: no socket",
     .details = "By default NAME.sock in /run/mc-target (root), in mc-target below XDG_RUNTIME_DIR, or in "
                "/tmp/mc-target-UID. Only root and the user of the target may ask."},
};

constexpr Option kStatusOptions[] = {
    {.name = "name",
     .placeholder = "NAME",
     .positional = true,
     .toml = false,
     .group = kControl,
     .summary = "the target's segment; without, the only one that this user runs"},
    {.name = "control-socket",
     .placeholder = "PATH",
     .file = true,
     .group = kControl,
     .summary = "the target's control socket, where it is not the usual one"},
    {.name = "timeout",
     .type = Type::Duration,
     .toml = false,
     .min = "1ms",
     .max = "3599s",
     .fallback = "10s",
     .group = kControl,
     .summary = "how long to wait for the answer"},
};

constexpr std::string_view kDescription =
    "Registers memory and serves it as a segment to other machines, until SIGINT or SIGTERM. Prints a line when it is "
    "ready, and the command with which mc-bench measures it. Peers may be Mooncake's own programs.\n\n"
    "mc-target status asks a running one what it serves and to how many.";

const Command kCommands[] = {
    {.name = "serve",
     .summary = "serve memory; the command that is meant where none is named",
     .options = {kServeOptions, engineOptionTable()}},
    {.name = "status",
     .summary = "print what a running target serves, and to how many",
     .examples = {{"The only target of this user", "mc-target status"},
                  {"One of several, for a program", "mc-target status 10.0.0.2:12345 --json"}},
     .options = {kStatusOptions},
     .exit_codes = {{ExitCode::Ok, "printed"},
                    {ExitCode::Usage, "an option is wrong, or several targets run and none was named"},
                    {ExitCode::Unavailable, "no such target is running"},
                    {ExitCode::TimedOut, "the target did not answer in time"},
                    {ExitCode::Protocol, "the socket is not that of a target"},
                    {ExitCode::NotPermitted, "the target is another user's"}}},
};

io::HugePages hugePages(const config::Values& values) {
    const std::string word = values.text("huge-pages");
    if (word == "transparent") return io::HugePages::Transparent;
    if (word == "never") return io::HugePages::Never;
    if (word == "2MiB") return io::HugePages::TwoMiB;
    if (word == "1GiB") return io::HugePages::OneGiB;
    return io::HugePages::Auto;
}

}  // namespace

const config::Tool& targetTool() {
    static const config::Tool tool{
        .main = {.name = "mc-target",
                 .summary = "serve memory to other machines",
                 .description = kDescription,
                 .examples = {{"Serve 1 GiB to this machine", "mc-target --memory 1GiB"},
                              {"Serve 64 GiB of each of two NUMA nodes to others",
                               "mc-target --memory 64GiB@cpu:0,64GiB@cpu:1 --local_server_name=10.0.0.2:12345"},
                              {"Publish in a metadata server",
                               "mc-target --memory 1GiB --metadata_server=http://10.0.0.1:8080/metadata "
                               "--local_server_name=10.0.0.2:12345"},
                              {"See how it is doing", "mc-target status"}},
                 .options = {tools::kCommonOptions},
                 .exit_codes = {{ExitCode::Ok, "stopped in order"},
                                {ExitCode::Usage, "an option is wrong"},
                                {ExitCode::BadData, "the metadata server's reply is too long"},
                                {ExitCode::NoInput, "the configuration file can't be read"},
                                {ExitCode::Unavailable, "the metadata server can't be reached"},
                                {ExitCode::System, "the operating system refused memory or threads"},
                                {ExitCode::CannotCreate, "a port, the name or the control socket is taken"},
                                {ExitCode::Io, "the metadata server could not store it, or output failed"},
                                {ExitCode::TimedOut, "the metadata server did not answer in time"},
                                {ExitCode::Protocol, "it is no metadata server that answers"},
                                {ExitCode::NotPermitted, "the memory may not be locked, or the address not bound"},
                                {ExitCode::Config, "the configuration file or the environment is wrong"},
                                {ExitCode::HungUp, "a second signal, SIGHUP, ended it at once"},
                                {ExitCode::Interrupted, "a second SIGINT ended it at once"},
                                {ExitCode::Terminated, "a second SIGTERM ended it at once"}}},
        .commands = kCommands,
        .default_command = "serve"};
    return tool;
}

Result<control::TargetOptions> targetOptionsFrom(const config::Values& values) {
    control::TargetOptions options{.metadata_server = values.text("metadata-server"),
                                   .server_name = values.text("local-server-name"),
                                   .protocol = values.text("protocol"),
                                   .memory = {},
                                   .huge_pages = io::HugePages::Auto,
                                   .lock = values.flag("lock"),
                                   .engine = {},
                                   .keep_alive = values.duration("keep-alive")};
    for (const auto& text : values.texts("memory")) {
        const auto request = control::parseMemoryRequest(text);
        if (!request) return std::unexpected(values.error("memory", request.error().message, request.error().hint));
        options.memory.push_back(*request);
    }
    if (options.memory.empty()) {
        return std::unexpected(Error{ErrorCode::InvalidArgument, "nothing to serve: no --memory is given",
                                     "mc-target --memory 1GiB serves a buffer of this size"});
    }
    if (options.metadata_server == "memory:") {
        return std::unexpected(values.error("metadata-server", "is in this process only: nobody could find the segment",
                                            "use P2PHANDSHAKE, which needs no server"));
    }
    options.huge_pages = hugePages(values);
    auto engine = engineOptionsFrom(values);
    if (!engine) return std::unexpected(engine.error());
    options.engine = std::move(*engine);
    if (values.flag("quiet")) {
        options.engine.log_level = "error";
        options.engine.verbose = false;
    }
    return options;
}

}  // namespace mc::target
