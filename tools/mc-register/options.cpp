#include "mc-register/options.h"

#include <array>
#include <span>

#include "common/common_options.h"
#include "common/store_client_options.h"

namespace mc::registering {
namespace {

using config::Option;
using config::Type;

constexpr Option kCluster[] = {metadata::kMetadataClusterId};
constexpr std::span<const Option> kServer = tools::kServerOption;
constexpr std::span<const Option> kStore = tools::kStoreOptions;
constexpr std::span<const Option> kTimeout = tools::kTimeoutOption;

constexpr Option kSegment[] = {
    {.name = "segment",
     .placeholder = "SEGMENT",
     .positional = true,
     .required = true,
     .toml = false,
     .summary = "the segment: NAME, nvmeof/NAME or the whole key"},
};
// With --buffer the only target of this user may be meant.
constexpr Option kSegmentOrOnlyTarget[] = {
    {.name = "segment",
     .placeholder = "SEGMENT",
     .positional = true,
     .toml = false,
     .summary = "the segment: NAME, nvmeof/NAME or the whole key",
     .details = "With --buffer and --file that of a running mc-target; where none is named, of the only one that this "
                "user runs."},
};
constexpr Option kPaths[] = {
    {.name = "path",
     .placeholder = "PATH",
     .repeated = true,
     .unsplit = true,
     .positional = true,
     .file = true,
     .toml = false,
     .summary = "files and block devices, in the order of their offsets",
     .details =
         "They must exist and not be empty; each is registered once, under its absolute name. Links stay links."},
};
constexpr Option kRemovedPaths[] = {
    {.name = "path",
     .placeholder = "PATH",
     .repeated = true,
     .unsplit = true,
     .positional = true,
     .file = true,
     .toml = false,
     .summary = "remove only these files",
     .details = "Without any, the whole segment. They need not exist any more."},
};
constexpr Option kAdd[] = {
    {.name = "if-exists",
     .type = Type::Choice,
     .choices = {"fail", "keep", "merge", "replace"},
     .fallback = "fail",
     .summary = "what to do with a segment that exists",
     .details =
         "keep: leave it. merge: add the files that it does not have yet, at the end; nothing else in it changes, and "
         "what others change at the same time stays. replace: write it anew; what initiators have mounted is "
         "forgotten. An engine's memory is never replaced."},
    {.name = "local-server-name",
     .placeholder = "NAME",
     .summary = "server that has the files; by default this machine's host name",
     .details = "Files are only merged into a segment of the same server."},
};
constexpr Option kKeepAlive[] = {
    {.name = "keep-alive",
     .placeholder = "INTERVAL",
     .type = Type::Duration,
     .max = "24h",
     .summary = "stay, and look this often whether the metadata server still has the segment; put it back if not",
     .details =
         "Until SIGINT or SIGTERM, after which the segment stays. Files that others add to it are put back, too; "
         "what others have put in its place is left to them. Stop it before you remove the segment."},
};
constexpr Option kMemoryDetails[] = {
    {.name = "memory",
     .type = Type::Flag,
     .group = "Memory",
     .summary = "a RAM segment without buffers, for an engine that comes later",
     .details = "NAME is then the engine's --local_server_name, and SEGMENT may also be ram/NAME."},
    {.name = "protocol",
     .placeholder = "NAME",
     .fallback = "tcp",
     .group = "Memory",
     .summary = "its protocol: tcp, rdma or another that Mooncake knows"},
    {.name = "device",
     .placeholder = "NAME:LID:GID",
     .repeated = true,
     .accumulates = true,
     .group = "Memory",
     .summary = "network device of rdma and its like"},
    {.name = "nic-priority-matrix",
     .placeholder = "FILE",
     .file = true,
     .group = "Memory",
     .summary = "which of the devices serve which memory; by default all serve cpu:0"},
};
constexpr std::string_view kRunning = "Running target";
constexpr Option kAddedToTarget[] = {
    {.name = "buffer",
     .placeholder = "SIZE[@cpu:N]",
     .repeated = true,
     .accumulates = true,
     .toml = false,
     .group = kRunning,
     .summary = "memory that a running mc-target is to serve, too",
     .details =
         "The target takes it as it took its first (--huge-pages, --lock), registers it and publishes its segment "
         "anew in its own metadata server. All of it or nothing."},
    {.name = "file",
     .placeholder = "PATH[:SIZE]",
     .repeated = true,
     .accumulates = true,
     .unsplit = true,
     .file = true,
     .toml = false,
     .group = kRunning,
     .summary = "file or block device that a running mc-target is to serve, too",
     .details = "Read-only where the target's first are. Hosts that are connected are told. All of them or none. Hosts "
                "overwrite what a file holds."},
    {.name = "force",
     .type = Type::Flag,
     .toml = false,
     .group = kRunning,
     .summary = "serve a block device that holds a file system, a partition table or the like"},
};
constexpr Option kRemovedFromTarget[] = {
    {.name = "buffer",
     .placeholder = "NUMBER",
     .repeated = true,
     .accumulates = true,
     .toml = false,
     .group = kRunning,
     .summary = "buffer that a running mc-target is to serve no longer: its number, or its address from 0x on",
     .details = "The segment is published without it; what peers still do with it ends, and fails there; then the "
                "memory is given back. The last one stays."},
    {.name = "file",
     .placeholder = "PATH|NUMBER",
     .repeated = true,
     .accumulates = true,
     .unsplit = true,
     .file = true,
     .toml = false,
     .group = kRunning,
     .summary = "file that a running mc-target is to serve no longer: its path or its number",
     .details = "The segment is published without it; what hosts still do with it fails; then the file is closed, and "
                "stays. A file that is called 2 is ./2."},
};
constexpr Option kControlSocket[] = {
    {.name = "control-socket",
     .placeholder = "PATH",
     .file = true,
     .toml = false,
     .group = kRunning,
     .summary = "the target's control socket, where it is not the usual one"},
};
constexpr Option kMemory[] = {
    {.name = "memory", .type = Type::Flag, .summary = "NAME is a RAM segment, as ram/NAME is"},
};
constexpr Option kListMemory[] = {
    {.name = "memory", .type = Type::Flag, .summary = "RAM segments instead of files, those of engines included"},
};
constexpr Option kIfMissing[] = {
    {.name = "if-missing",
     .type = Type::Choice,
     .choices = {"fail", "ok"},
     .fallback = "fail",
     .summary = "what to say if the segment or a file is not there",
     .details = "fail: then nothing is removed. ok: what is there is removed."},
};
constexpr Option kDryRun[] = {
    {.name = "dry-run",
     .type = Type::Flag,
     .toml = false,
     .summary = "change nothing, and say what would be changed",
     .details = "add prints the descriptor that it would write."},
};

constexpr config::Command kAddCommand{
    .name = "add",
    .summary = "publish a segment of files, or one of memory to come; give a running target more to serve",
    .description =
        "A segment of files is one range of bytes, their concatenation in this order, that engines open as "
        "nvmeof/NAME. What is published is where the files are and how long they are now; nothing is served.\n\n"
        "With --buffer a running mc-target of this machine and this user takes more memory and serves it; with --file "
        "it "
        "serves more files, over NVMe-oF.",
    .examples = {{"Two files", "mc-register add cache /mnt/nvme0/cache /mnt/nvme1/cache"},
                 {"A block device more, whoever else adds at the same time",
                  "mc-register add cache --if-exists=merge /dev/disk/by-id/nvme-eui.0025385b11b6e8d1"},
                 {"What would be written", "mc-register add cache /mnt/nvme0/cache --dry-run"},
                 {"The memory of an engine that is still to start", "mc-register add 10.0.0.2:12345 --memory"},
                 {"Memory for a target that runs", "mc-register add 10.0.0.2:12345 --buffer=64GiB@cpu:1"},
                 {"A file for it", "mc-register add 10.0.0.2:12345 --file /data/f1:64GiB"}},
    .options = {kSegmentOrOnlyTarget, kPaths, kAdd, kKeepAlive, kMemoryDetails, kAddedToTarget, kControlSocket, kDryRun,
                kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kRemove{
    .name = "remove",
    .summary = "remove a segment, files of it, or memory and files of a running target",
    .description =
        "The files themselves stay. Files behind a removed one begin at other offsets afterwards, which a note says. A "
        "RAM segment is only removed while it has no buffers.\n\n"
        "With --buffer a running mc-target gives memory back, with --file it closes files, and goes on serving the "
        "rest.",
    .examples = {{"A segment", "mc-register remove cache"},
                 {"A file of it", "mc-register remove cache /mnt/nvme0/cache"},
                 {"A buffer of a target that runs", "mc-register remove 10.0.0.2:12345 --buffer=1"},
                 {"A file of it", "mc-register remove 10.0.0.2:12345 --file /data/f1"}},
    .options = {kSegmentOrOnlyTarget, kRemovedPaths, kIfMissing, kMemory, kRemovedFromTarget, kControlSocket, kDryRun,
                kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kList{
    .name = "list",
    .summary = "list the segments of files",
    .description = "In the order of their names, with the number and the size of what they have.",
    .examples = {{"Segments of files", "mc-register list"}, {"Segments of memory", "mc-register list --memory"}},
    .options = {kListMemory, kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kShow{
    .name = "show",
    .summary = "show a segment",
    .description = "Its files with their offsets in the segment, and which server mounted them where.",
    .examples = {{"A segment of files", "mc-register show cache"},
                 {"The same", "mc-register show mooncake/nvmeof/cache"}},
    .options = {kSegment, kMemory, kTimeout, kCluster, kServer, kStore},
};

constexpr std::array kCommands{kAddCommand, kRemove, kList, kShow};

}  // namespace

const config::Tool& registerTool() {
    static const config::Tool tool{
        .main = {.name = "mc-register",
                 .summary = "publish segments of files in a metadata server",
                 .description =
                     "Engines find a segment by its descriptor, which is the value of a key of a metadata server. "
                     "mc-register writes descriptors of files, and of memory whose engine is still to come; and it has "
                     "a running mc-target add and remove memory and files.",
                 .examples = {{"Publish a file", "mc-register add cache /mnt/nvme0/cache"},
                              {"What is published", "mc-register list --metadata_server=etcd://10.0.0.7:2379"}},
                 .options = {tools::kCommonOptions},
                 .exit_codes = {{ExitCode::Ok, "done"},
                                {ExitCode::Negative, "there is no such segment, or no such file or buffer in it"},
                                {ExitCode::Usage, "an option or an argument is wrong"},
                                {ExitCode::BadData,
                                 "a file is empty or no file; the descriptor there is none of files"},
                                {ExitCode::NoInput, "a file does not exist"},
                                {ExitCode::Unavailable,
                                 "the server or the target can't be reached or can't do that; an engine serves the "
                                 "segment"},
                                {ExitCode::System, "the operating system refused memory, threads or descriptors"},
                                {ExitCode::CannotCreate,
                                 "the segment exists, is another server's, or has a file with another length"},
                                {ExitCode::Io, "the server could not store it; output failed"},
                                {ExitCode::TimedOut, "no answer in time"},
                                {ExitCode::Protocol, "it is no metadata server, or no target, that answers"},
                                {ExitCode::NotPermitted,
                                 "a file, the server or its certificate was refused; the target is another user's"},
                                {ExitCode::Config, "the configuration file or the environment is wrong"},
                                {ExitCode::HungUp, "a list was ended by SIGHUP"},
                                {ExitCode::Interrupted, "the same by SIGINT"},
                                {ExitCode::Terminated, "the same by SIGTERM"}}},
        .commands = kCommands};
    return tool;
}

}  // namespace mc::registering
