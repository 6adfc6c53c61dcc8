#include "mc-mount/options.h"

#include <array>

#include "common/common_options.h"
#include "engine/engine_options.h"

namespace mc::mount {
namespace {

using config::Option;
using config::Type;

constexpr Option kWhat[] = {
    {.name = "segment",
     .placeholder = "SEGMENT",
     .positional = true,
     .required = true,
     .toml = false,
     .summary = "segment of files: a target's name, or that of files that mc-register add has published",
     .details = "A target's, as it prints it: HOST:PORT without a metadata server. nvmeof/NAME is one that mc-register "
                "add has published."},
    {.name = "directory",
     .placeholder = "DIR",
     .positional = true,
     .required = true,
     .file = true,
     .toml = false,
     .summary = "existing directory in which the files appear"},
    {.name = "file",
     .placeholder = "NUMBER|PATH",
     .repeated = true,
     .accumulates = true,
     .unsplit = true,
     .summary = "only this file of the segment: its number, its path at the target, or its name in DIR",
     .details = "May be given several times. By default all files. A file that is called 2 is ./2."},
    {.name = "through",
     .type = Type::Choice,
     .choices = {"fuse", "kernel"},
     .fallback = "fuse",
     .summary = "how: fuse, by a process of this user; kernel, as block devices of the kernel's NVMe host",
     .details =
         "kernel takes root, and modprobe nvme-tcp. DIR gets a link to the block device of each file, or with --fs "
         "is the file system in the one file."},
    {.name = "fs",
     .placeholder = "TYPE",
     .summary = "of the kernel: mount the file system of that type (ext4, xfs) that the file holds"},
    {.name = "read-only",
     .type = Type::Flag,
     .summary = "the files can't be written; through the kernel with --fs only"},
    {.name = "metadata-server",
     .placeholder = "URL",
     .environment = "MC_METADATA_SERVER",
     .fallback = "P2PHANDSHAKE",
     .summary = "where the segment is looked up",
     .details = "P2PHANDSHAKE: without a server, the target itself is asked. Else http://, https://, redis:// or "
                "etcd://, as of mc-register."},
    {.name = "timeout",
     .type = Type::Duration,
     .fallback = "30s",
     .summary = "how long a read, write or flush may take, reconnecting included; 0: for ever",
     .details =
         "After it they fail with ETIMEDOUT (EIO where the kernel's cache reads), and further ones at once, until "
         "the target answers again. With --through=kernel they fail with EIO when the kernel has tried to reconnect "
         "for so long, in whole seconds. Also how long mounting may take."},
};

constexpr std::string_view kLegacy = "Segments of mc-register";
constexpr Option kLegacyOptions[] = {
    {.name = "as",
     .placeholder = "NAME",
     .group = kLegacy,
     .summary = "engine that is to find the files here: its --local_server_name; by default this machine's host name",
     .details =
         "It is noted in the segment's descriptor (local_path_map) where NAME has mounted each file; remove takes "
         "that out again. An engine of another name does not find them."},
    {.name = "via",
     .placeholder = "SEGMENT",
     .group = kLegacy,
     .summary =
         "segment of the target that serves the files; by default SERVER-files or SERVER, of the segment's server"},
};

constexpr std::string_view kFuse = "FUSE";
constexpr Option kFuseOptions[] = {
    {.name = "cache",
     .type = Type::Choice,
     .choices = {"kernel", "none"},
     .fallback = "kernel",
     .group = kFuse,
     .summary = "whether this machine's page cache may have what was read",
     .details =
         "kernel: until the file is opened again, as with NFS; what other machines write meanwhile may not be seen. "
         "Writes go to the target at once all the same. O_DIRECT passes the cache by, and so does opening only to "
         "write. none: every read and write goes to the target; files can't be mapped shared (mmap with MAP_SHARED)."},
    {.name = "allow-other",
     .type = Type::Flag,
     .group = kFuse,
     .summary = "other users may read and write the files, too",
     .details = "Of an ordinary user's mount only with user_allow_other in /etc/fuse.conf."},
    {.name = "threads",
     .type = Type::Integer,
     .min = "1",
     .max = "256",
     .fallback = "16",
     .group = kFuse,
     .summary = "requests that are served at once; each takes 1 MiB of memory"},
    {.name = "foreground",
     .type = Type::Flag,
     .toml = false,
     .group = kFuse,
     .summary = "stay until SIGINT or SIGTERM, or until somebody takes the mount off",
     .details =
         "For a service manager, which is told when it is mounted (sd_notify). restore leaves such a mount to it."},
    {.name = "log-file",
     .file = true,
     .group = kFuse,
     .summary = "where the process in the background writes what it has to say; by default nowhere"},
    {.name = "ready-fd",
     .type = Type::Integer,
     .environment = "MC_MOUNT_READY_FD",
     .environment_only = true,
     .min = "3"},
};
constexpr Option kDryRun[] = {
    {.name = "dry-run", .type = Type::Flag, .toml = false, .summary = "mount nothing, and say what would be mounted"},
};
constexpr Option kDryRemoval[] = {
    {.name = "dry-run", .type = Type::Flag, .toml = false, .summary = "remove nothing, and say what would be removed"},
};
constexpr Option kState[] = {
    {.name = "state-file",
     .placeholder = "PATH",
     .file = true,
     .environment = "MC_MOUNT_STATE_FILE",
     .summary = "file in which mounts are remembered",
     .details = "By default /var/lib/mc/mounts.json for root, for others mc/mounts.json in XDG_STATE_HOME or "
                "~/.local/state."},
};
constexpr Option kLimit[] = {
    {.name = "timeout",
     .type = Type::Duration,
     .fallback = "30s",
     .summary = "how long the command may take for each mount; 0: for ever"},
};
constexpr Option namedMounts(std::string_view summary) {
    return {.name = "mount",
            .placeholder = "DIR|SEGMENT",
            .repeated = true,
            .unsplit = true,
            .positional = true,
            .file = true,
            .toml = false,
            .summary = summary};
}
constexpr Option kRemoved[] = {
    namedMounts("directories, or segments of which all mounts are meant"),
    {.name = "all", .type = Type::Flag, .toml = false, .summary = "all mounts of this user"},
    {.name = "force",
     .type = Type::Flag,
     .toml = false,
     .summary = "also what is in use, or can't be taken out of the metadata server"},
};
constexpr Option kLookedAt[] = {
    namedMounts("directories, or segments; by default all mounts of this user"),
};

config::Command addCommand() {
    return {
        .name = "add",
        .summary = "make the files of a segment appear in a directory",
        .description =
            "Each file of the segment appears in DIR as a file of its size, under the last part of its path; where two "
            "have the same, under NUMBER-NAME. Reads and writes go to the target, fsync means that it is on stable "
            "storage there. Sizes can't change: ftruncate is refused (EPERM), O_TRUNC changes nothing, and writes "
            "beyond the end find no room (ENOSPC), as on a block device. Requests need not be whole blocks of the "
            "target's device, and nothing is "
            "lost that programs write through this mount into one block at the same time; other mounts and other "
            "machines should leave it alone then, since a part of a block is written by reading and writing all of "
            "it.\n\n"
            "It returns when the files can be used. A process in the background serves them until remove, SIGTERM or "
            "fusermount3 -u. What is mounted there already the same way is left as it is.",
        .examples = {{"All files of a target", "mc-mount add 10.0.0.1:12345 /mnt/cache"},
                     {"One of them, to be read only",
                      "mc-mount add 10.0.0.1:12345 --file /data/f0 --read-only /mnt/cache"},
                     {"Files that mc-register add has published, for the engine 10.0.0.2:12345",
                      "mc-mount add nvmeof/cache --as 10.0.0.2:12345 /mnt/cache"},
                     {"What would be mounted", "mc-mount add 10.0.0.1:12345 /mnt/cache --dry-run"}},
        .options = {kWhat, kFuseOptions, kLegacyOptions, kDryRun, kState, engineOptionTable()},
    };
}
constexpr config::Command kRemove{
    .name = "remove",
    .summary = "take mounts off",
    .description =
        "And take them out of the state file, and their local paths out of the segment's descriptor. What is not "
        "there is none to remove, which is no error; what is in use stays, which is one.",
    .examples = {{"A mount", "mc-mount remove /mnt/cache"}, {"All of a segment", "mc-mount remove 10.0.0.1:12345"}},
    .options = {kRemoved, kDryRemoval, kLimit, kState},
};
constexpr config::Command kList{
    .name = "list",
    .summary = "list the mounts of this user",
    .description =
        "Also those that are not there now, and come back by restore. What a killed process has left is taken "
        "off.",
    .examples = {{"Mounts", "mc-mount list"}, {"As JSON", "mc-mount list --json"}},
    .options = {kState},
};
constexpr config::Command kStatus{
    .name = "status",
    .summary = "show the state of mounts: whether their targets answer, what was moved",
    .description = "The exit status is 1 unless all of them can be used.",
    .examples = {{"All", "mc-mount status"}, {"One", "mc-mount status /mnt/cache"}},
    .options = {kLookedAt, kLimit, kState},
};
constexpr config::Command kRestore{
    .name = "restore",
    .summary = "mount again what the state file has and is not mounted, as after a reboot",
    .description =
        "With the options that it was mounted with; passwords that came from the environment must be there "
        "again. The exit status is that of the last failure.",
    .examples = {{"After a reboot", "mc-mount restore"}, {"What would be mounted", "mc-mount restore --dry-run"}},
    .options = {kDryRun, kState},
};

constexpr std::array kCommands{kRemove, kList, kStatus, kRestore};

}  // namespace

const config::Tool& mountTool() {
    static const std::array kAll{addCommand(), kCommands[0], kCommands[1], kCommands[2], kCommands[3]};
    static const config::Tool tool{
        .main = {.name = "mc-mount",
                 .summary = "make remote files usable here as local ones",
                 .description =
                     "Files that another machine serves (mc-target --file) appear in a directory, for programs that "
                     "know nothing of this toolkit. It takes neither root nor a kernel module besides FUSE.",
                 .examples = {{"Mount", "mc-mount add 10.0.0.1:12345 /mnt/cache"},
                              {"Take it off again", "mc-mount remove /mnt/cache"}},
                 .options = {tools::kCommonOptions},
                 .exit_codes = {{ExitCode::Ok, "done"},
                                {ExitCode::Negative,
                                 "there is no such segment, or no such file in it; status: a mount can't be "
                                 "used"},
                                {ExitCode::Usage, "an option or an argument is wrong"},
                                {ExitCode::BadData,
                                 "a descriptor or the state file is malformed; the segment has no files"},
                                {ExitCode::NoInput, "the directory does not exist"},
                                {ExitCode::Unavailable,
                                 "the target or the metadata server can't be reached; FUSE is missing here, or in this "
                                 "build; the mount is in use"},
                                {ExitCode::System, "the operating system refused memory, threads or descriptors"},
                                {ExitCode::CannotCreate, "something else is mounted there by mc-mount"},
                                {ExitCode::Io, "the state file or output can't be written"},
                                {ExitCode::TimedOut, "the target or the metadata server did not answer in time"},
                                {ExitCode::Protocol, "it broke the protocol"},
                                {ExitCode::NotPermitted,
                                 "this user may not mount, or not there; the target refuses this host"},
                                {ExitCode::Config, "the configuration file or the environment is wrong"},
                                {ExitCode::HungUp, "ended by SIGHUP before it was mounted"},
                                {ExitCode::Interrupted, "the same by SIGINT"},
                                {ExitCode::Terminated, "the same by SIGTERM"}}},
        .commands = kAll};
    return tool;
}

}  // namespace mc::mount
