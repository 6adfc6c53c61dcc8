#include "mc-target/options.h"

#include "common/common_options.h"
#include "common/nvmeof_address_options.h"
#include "engine/engine_options.h"

namespace mc::target {
namespace {

using config::Command;
using config::Option;
using config::Type;

constexpr std::string_view kMemory = "Memory";
constexpr std::string_view kFiles = "Files";
constexpr std::string_view kSegment = "Segment";
constexpr std::string_view kControl = "Control";

constexpr Option kMemoryOptions[] = {
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
};

constexpr Option kFileOptions[] = {
    {.name = "file",
     .placeholder = "PATH[:SIZE]",
     .repeated = true,
     .accumulates = true,
     .unsplit = true,
     .file = true,
     .group = kFiles,
     .summary = "a file or block device to serve over NVMe-oF; several make several namespaces",
     .details = "What follows the last colon is a size if it can be one, and no file is called so: only so many bytes "
                "from the beginning are served. Hosts overwrite what a file holds. What does not fill a block of "
                "512 bytes, at a file's end, is not served."},
    {.name = "file-number",
     .placeholder = "N",
     .type = Type::Integer,
     .repeated = true,
     .accumulates = true,
     .min = "1",
     .max = "4294967294",
     .group = kFiles,
     .summary = "numbers of the files, in their order, which are those of the NVMe namespaces; by default from 1",
     .details = "mc-target save writes them where files were removed."},
    {.name = "read-only",
     .type = Type::Flag,
     .group = kFiles,
     .summary = "let nobody write the files, those that mc-register adds, too"},
    {.name = "force",
     .type = Type::Flag,
     .group = kFiles,
     .summary = "serve block devices that hold a file system, a partition table or the like"},
    tools::nvmeofBackendOption("backend"),
    {.name = "trid",
     .placeholder = "KEY=VALUE...",
     .group = kFiles,
     .summary = "where to serve files, as one text: trtype=tcp adrfam=ipv4 traddr=ADDRESS trsvcid=PORT",
     .details = "Instead of --trtype, --adrfam, --traddr and --trsvcid."},
};

constexpr Option kHostOptions[] = {
    {.name = "nqn",
     .group = kFiles,
     .summary = "NVMe qualified name of the files' subsystem; by default nqn.2016-06.io.mc:NAME"},
    {.name = "allow-host",
     .placeholder = "NQN",
     .repeated = true,
     .accumulates = true,
     .group = kFiles,
     .summary = "a host that may connect; without any, and without --host-keys, every host may",
     .details = "Whoever gives that name is believed: a key (--host-keys) makes him prove it."},
    {.name = "host-keys",
     .file = true,
     .group = kFiles,
     .summary = "hosts that may connect, and their keys (DH-HMAC-CHAP)",
     .details = "A file of lines HOSTNQN KEY [CONTROLLER-KEY], with keys as nvme gen-dhchap-key makes them, that only "
                "its owner may read. With a controller's key the target proves itself, too, to a host that asks."},
};

constexpr Option kServeOptions[] = {
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
     .summary = "transport of memory; this build has tcp"},
    {.name = "control-socket",
     .placeholder = "PATH",
     .file = true,
     .group = kControl,
     .summary = "UNIX socket that answers mc-target status and mc-register; none: no socket",
     .details = "By default NAME.sock in /run/mc-target (root), in mc-target below XDG_RUNTIME_DIR, or in "
                "/tmp/mc-target-UID. Only root and the user of the target may ask."},
};

constexpr Option kRestoreOptions[] = {
    {.name = "config",
     .placeholder = "FILE",
     .positional = true,
     .required = true,
     .file = true,
     .config_file = true,
     .toml = false,
     .group = kSegment,
     .summary = "what mc-target save has printed, or another file for --config"},
};

constexpr Option kAskOptions[] = {
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

constexpr Option kGcOptions[] = {
    {.name = "yes",
     .type = Type::Flag,
     .toml = false,
     .summary = "take it down; without, this is said, and on a terminal asked"},
    {.name = "dry-run", .type = Type::Flag, .toml = false, .summary = "only say what there is"},
};

constexpr std::string_view kDescription =
    "Registers memory, files or both and serves them as segments to other machines, until SIGINT or SIGTERM. Prints a "
    "line when it is ready, and the command with which mc-bench measures it. Peers may be Mooncake's own programs; of "
    "files, which are served over NVMe/TCP without the kernel's help, also every NVMe-oF host.\n\n"
    "With --backend=kernel, or --trtype=rdma, the kernel's NVMe target (nvmet) serves the files instead: under the "
    "same "
    "names, numbers and identities, and only for as long as mc-target runs. What is made in configfs is recorded in "
    "/run/mc-nvmet before it is made, and taken down at the end. Where mc-target was killed, the kernel goes on "
    "serving "
    "until mc-target gc --yes takes it down, or the next one that starts with this backend does; mc-target status says "
    "that there is such. What others have made is not touched. Where it "
    "can't be used, each finding has its number: 1 the user may not; 2 the kernel has no configfs; 3 configfs is not "
    "mounted; 4 the module nvmet, or 5 nvmet-tcp or nvmet-rdma, is missing; 6 there is no RDMA device; 7 the kernel's "
    "target has no DH-HMAC-CHAP.\n\n"
    "mc-target status asks a running one what it serves and to how many. mc-target save prints its configuration, with "
    "which mc-target restore serves the same again.";

constexpr config::FixedList<config::ExitMeaning, 16> kAskExitCodes = {
    {ExitCode::Ok, "printed"},
    {ExitCode::Usage, "an option is wrong, or several targets run and none was named"},
    {ExitCode::Unavailable, "no such target is running"},
    {ExitCode::TimedOut, "the target did not answer in time"},
    {ExitCode::Protocol, "the socket is not that of a target"},
    {ExitCode::NotPermitted, "the target is another user's"}};

constexpr config::FixedList<config::ExitMeaning, 16> kGcExitCodes = {
    {ExitCode::Ok, "nothing was left, or it has gone now, or was only shown"},
    {ExitCode::Usage, "an option is wrong"},
    {ExitCode::Unavailable, "something stays, since somebody else uses it; or the kernel has no configfs any more"},
    {ExitCode::NotPermitted, "this user may not configure the kernel's target"},
    {ExitCode::Config, "configfs is not mounted"}};

const Command kCommands[] = {
    {.name = "serve",
     .summary = "serve memory and files; the command that is meant where none is named",
     .options = {kMemoryOptions, kFileOptions, tools::kNvmeofAddressOptions, kHostOptions, kServeOptions,
                 engineOptionTable()}},
    {.name = "restore",
     .summary = "serve what a configuration says that mc-target save has printed",
     .description = "The same as mc-target serve --config FILE: the same files, memory, names and numbers. Options on "
                    "the command line beat those of the file.",
     .examples = {{"What was served before", "mc-target restore target.toml"},
                  {"The same, but a device that holds a file system by now", "mc-target restore target.toml --force"}},
     .options = {kRestoreOptions},
     .extends = "serve"},
    {.name = "status",
     .summary = "print what a running target serves, to whom, and how much",
     .examples = {{"The only target of this user", "mc-target status"},
                  {"One of several, for a program", "mc-target status 10.0.0.2:12345 --json"}},
     .options = {kAskOptions},
     .exit_codes = kAskExitCodes},
    {.name = "gc",
     .summary = "take down what killed targets of this user have left in the kernel's NVMe target",
     .description =
         "Subsystems, ports, namespaces and hosts that a mc-target with --backend=kernel has made and, since "
         "it was killed, not taken down: as far as its record in /run/mc-nvmet says so, and nobody else has "
         "built upon them. Hosts are cut off. What living targets serve is not touched.",
     .examples = {{"What there is", "mc-target gc"}, {"Take it down", "mc-target gc --yes"}},
     .options = {kGcOptions},
     .exit_codes = kGcExitCodes},
    {.name = "save",
     .summary = "print the configuration of a running target",
     .description = "TOML that mc-target restore reads: what is served now, under which names and numbers, and the "
                    "options that the target was started with. Passwords are not in it, files of keys are named.",
     .examples = {{"For the next start", "mc-target save > target.toml"},
                  {"One of several", "mc-target save 10.0.0.2:12345"}},
     .options = {kAskOptions},
     .exit_codes = kAskExitCodes},
};

}  // namespace

const config::Tool& targetTool() {
    static const config::Tool tool{
        .main =
            {.name = "mc-target",
             .summary = "serve memory and files to other machines",
             .description = kDescription,
             .examples = {{"Serve 1 GiB to this machine", "mc-target --memory 1GiB"},
                          {"Serve 64 GiB of each of two NUMA nodes to others",
                           "mc-target --memory 64GiB@cpu:0,64GiB@cpu:1 --local_server_name=10.0.0.2:12345"},
                          {"Publish in a metadata server",
                           "mc-target --memory 1GiB --metadata_server=http://10.0.0.1:8080/metadata "
                           "--local_server_name=10.0.0.2:12345"},
                          {"Serve a file and a block device, to one host",
                           "mc-target --file /data/f0:64GiB --file /dev/nvme1n1 --local_server_name=10.0.0.2:12345 "
                           "--allow-host nqn.2014-08.org.nvmexpress:uuid:4bdd3b0e-33b3-4a0e-9e2a-1d2c0f6f4f6e"},
                          {"The same file by the kernel's target, over RDMA",
                           "mc-target --file /data/f0 --trtype rdma --local-server-name=10.0.0.2:12345"},
                          {"See how it is doing", "mc-target status"}},
             .options = {tools::kCommonOptions},
             .exit_codes = {{ExitCode::Ok, "stopped in order"},
                            {ExitCode::Usage, "an option is wrong"},
                            {ExitCode::BadData, "a file is empty or no file; the metadata server's reply is too long"},
                            {ExitCode::NoInput, "a file, or the configuration file, can't be read"},
                            {ExitCode::Unavailable,
                             "the metadata server can't be reached; a block device is in use; the kernel's target is "
                             "not there"},
                            {ExitCode::System, "the operating system refused memory or threads"},
                            {ExitCode::CannotCreate,
                             "a port, the name, the subsystem or the control socket is taken; a block device holds "
                             "something"},
                            {ExitCode::Io, "the metadata server could not store it, or output failed"},
                            {ExitCode::TimedOut, "the metadata server did not answer in time"},
                            {ExitCode::Protocol, "it is no metadata server that answers"},
                            {ExitCode::NotPermitted,
                             "the memory may not be locked, a file not opened, the address not bound, or the kernel's "
                             "target not configured"},
                            {ExitCode::Config,
                             "the configuration file, the file of keys or the environment is wrong; configfs is not "
                             "mounted"},
                            {ExitCode::HungUp, "a second signal, SIGHUP, ended it at once"},
                            {ExitCode::Interrupted, "a second SIGINT ended it at once"},
                            {ExitCode::Terminated, "a second SIGTERM ended it at once"}}},
        .commands = kCommands,
        .default_command = "serve"};
    return tool;
}

}  // namespace mc::target
