#include "mc-meta/options.h"

#include <array>
#include <span>

#include "common/common_options.h"
#include "common/store_client_options.h"
#include "mc-meta/diagnose_options.h"
#include "mc-meta/serve_options.h"

namespace mc::meta {
namespace {

using config::Option;
using config::Type;

constexpr std::span<const Option> kServer = tools::kServerOption;
constexpr std::span<const Option> kStore = tools::kStoreOptions;
constexpr std::span<const Option> kTimeout = tools::kTimeoutOption;
constexpr Option kWatchTimeout[] = {
    {.name = "timeout",
     .type = Type::Duration,
     .fallback = "0s",
     .summary = "how long to watch; 0: until SIGINT or SIGTERM"},
};
constexpr Option kKey[] = {
    {.name = "key",
     .positional = true,
     .required = true,
     .toml = false,
     .summary = "the key, literally",
     .details = "Nothing is put in front of it: an engine's keys begin with mooncake/, or mooncake/CLUSTER/."},
};
constexpr Option kValue[] = {
    {.name = "value",
     .placeholder = "VALUE",
     .positional = true,
     .file = true,
     .toml = false,
     .summary = "the value; @FILE: what is in the file; -: standard input",
     .details = "Without it, standard input."},
    {.name = "if-absent", .type = Type::Flag, .summary = "only if the key does not exist"},
};
constexpr Option kIfVersion[] = {
    {.name = "if-version", .placeholder = "VERSION", .toml = false, .summary = "only if the key has this version"},
};
constexpr Option kIfMissing[] = {
    {.name = "if-missing",
     .type = Type::Choice,
     .choices = {"fail", "ok"},
     .fallback = "fail",
     .summary = "what to say if the key does not exist",
     .details = "Mooncake's server in Go does not tell whether it did."},
};
constexpr Option kPrefix[] = {
    {.name = "prefix", .positional = true, .toml = false, .summary = "what the keys begin with; all keys without it"},
};
constexpr Option kList[] = {
    {.name = "limit", .type = Type::Integer, .min = "0", .fallback = "0", .summary = "most keys to list; 0: all"},
    {.name = "values", .type = Type::Flag, .summary = "values, too"},
    {.name = "keys-only", .type = Type::Flag, .summary = "only keys, one a line"},
};
constexpr Option kWatchValues[] = {
    {.name = "values", .type = Type::Flag, .summary = "values, too; with --json they are always there"},
};

constexpr Option kCluster[] = {metadata::kMetadataClusterId};
constexpr Option kShow[] = {
    {.name = "segment", .placeholder = "SEGMENT", .positional = true, .toml = false, .summary = "only this one"},
    {.name = "no-probe", .type = Type::Flag, .summary = "ask no owner whether it is there"},
};
constexpr Option kDumpPrefix[] = {
    {.name = "prefix",
     .positional = true,
     .toml = false,
     .fallback = "mooncake/",
     .summary = "what the keys begin with",
     .details = "An empty one, '', means all keys of the store, whoever has put them there."},
};
constexpr Option kCopyPrefix[] = {
    {.name = "prefix",
     .fallback = "mooncake/",
     .summary = "what the keys begin with",
     .details = "An empty one, '', means all keys of the store, whoever has put them there."},
};
constexpr Option kOutput[] = {
    {.name = "output",
     .letter = 'o',
     .placeholder = "FILE",
     .file = true,
     .summary = "write there, and not to standard output",
     .details = "The file is there whole, or as it was before."},
};
constexpr Option kDumpFile[] = {
    {.name = "file",
     .placeholder = "FILE",
     .positional = true,
     .required = true,
     .file = true,
     .toml = false,
     .summary = "a dump; -: standard input"},
};
constexpr Option kRestore[] = {
    {.name = "if-exists",
     .type = Type::Choice,
     .choices = {"fail", "keep", "replace"},
     .fallback = "fail",
     .summary = "what becomes of keys that are there with other values",
     .details = "fail: nothing at all is changed."},
    {.name = "yes", .type = Type::Flag, .toml = false, .summary = "do it; without it, only what would be done is told"},
};
constexpr Option kFromTo[] = {
    {.name = "from",
     .placeholder = "URL",
     .positional = true,
     .required = true,
     .toml = false,
     .summary = "the metadata server that has the keys"},
    {.name = "to",
     .placeholder = "URL",
     .positional = true,
     .required = true,
     .toml = false,
     .summary = "the one that is to have them, too"},
};

constexpr config::Command kGet{
    .name = "get",
    .summary = "write a key's value to standard output",
    .description = "The bytes are those of the value, and nothing else. With --json the version is there, too.",
    .examples = {{"Where does an engine answer?", "mc-meta get mooncake/rpc_meta/10.0.0.2:12345"},
                 {"A descriptor, to be read by people",
                  "mc-meta get mooncake/ram/10.0.0.2:12345 | python3 -m json.tool"}},
    .options = {kKey, kTimeout, kServer, kStore},
};
constexpr config::Command kPut{
    .name = "put",
    .summary = "set a key's value",
    .description = "A condition needs a server that knows it; others are refused before anything is written.",
    .examples = {{"A short value", "mc-meta put greeting hello"},
                 {"A descriptor from a file, unless there is one",
                  "mc-meta put --if-absent mooncake/ram/node1 @node1.json"}},
    .options = {kKey, kValue, kIfVersion, kTimeout, kServer, kStore},
};
constexpr config::Command kRemove{
    .name = "remove",
    .summary = "remove a key",
    .description =
        "Removes exactly this key. What an engine that was killed has left are two: its rpc_meta and its ram.",
    .examples = {{"Let a crashed engine come back under its name", "mc-meta remove mooncake/rpc_meta/10.0.0.2:12345"},
                 {"In a script that may run twice", "mc-meta remove --if-missing=ok greeting"}},
    .options = {kKey, kIfVersion, kIfMissing, kTimeout, kServer, kStore},
};
constexpr config::Command kListCommand{
    .name = "list",
    .summary = "list keys in order",
    .description = "Keys with their versions and the lengths of their values.",
    .examples = {{"Every engine", "mc-meta list mooncake/rpc_meta/ --values"},
                 {"Keys for a loop", "mc-meta list mooncake/ram/ --keys-only"}},
    .options = {kPrefix, kList, kTimeout, kServer, kStore},
};
constexpr config::Command kShowCommand{
    .name = "show",
    .summary = "list segments, and whether their owners live",
    .description =
        "A line for each segment: what it is, how old, and where its owner is. Owners are asked, many at once: one "
        "that answers lives.",
    .examples = {{"What is in the cluster", "mc-meta show"},
                 {"One segment, for a program", "mc-meta show 10.0.0.2:12345 --json"}},
    .options = {kShow, kProbeTimeout, kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kDump{
    .name = "dump",
    .summary = "write keys and values to a file",
    .description =
        "A line of JSON for each key, in order, the same whatever kind of server the keys are in; "
        "the last line counts them. What is changed meanwhile may be there or not: it is no snapshot.",
    .examples = {{"A backup", "mc-meta dump --output=mooncake.jsonl"},
                 {"What has changed since", "mc-meta dump | diff mooncake.jsonl -"}},
    .options = {kDumpPrefix, kOutput, kTimeout, kServer, kStore},
};
constexpr config::Command kRestoreCommand{
    .name = "restore",
    .summary = "bring keys and values of a dump back",
    .description =
        "Tells what would be done, and with --yes does it: all of it, or nothing. If a change fails, those before it "
        "are taken back. Keys that the dump does not have stay.",
    .examples = {{"See what it would do", "mc-meta restore mooncake.jsonl"},
                 {"Only what has been lost", "mc-meta restore mooncake.jsonl --if-exists=keep --yes"}},
    .options = {kDumpFile, kRestore, kTimeout, kServer, kStore},
};
constexpr config::Command kCopy{
    .name = "copy",
    .summary = "copy keys and values from one server to another",
    .description =
        "A dump of the one, restored in the other: tells what would be done, and does it, all or nothing, with --yes. "
        "User, password and TLS files count for both; where they differ, take dump and restore.",
    .examples = {{"Move from Redis to etcd", "mc-meta copy redis://10.0.0.1 etcd://10.0.0.2:2379 --yes"}},
    .options = {kFromTo, kCopyPrefix, kRestore, kTimeout, kStore},
};
constexpr config::Command kVerify{
    .name = "verify",
    .summary = "find what is wrong with the segments",
    .description =
        "Compares descriptors with addresses, asks every owner, connects to the data ports of those that live, and "
        "looks at addresses and buffers. Each finding has a number, the keys that it is about, its cause, and where "
        "there is one the command that mends it. Nothing is changed.",
    .examples = {{"What is wrong?", "mc-meta verify"},
                 {"For an issue, or a colleague", "mc-meta verify > verify.txt"},
                 {"For a program", "mc-meta verify --json --timeout=1m"}},
    .options = {kVerifyOptions, kLoopback, kProbeTimeout, kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kGc{
    .name = "gc",
    .summary = "remove the keys of segments whose owners are dead",
    .description =
        "Asks every owner twice, with a pause between, and tells what would be removed: descriptor and rpc_meta of "
        "those at whose addresses nobody listened both times. On a terminal it asks then; with --yes it removes them. "
        "What is published anew meanwhile stays, and so do segments that have no owner, such as those of "
        "files.\n\n"
        "Run it where the engines can be reached.",
    .examples = {{"See what it would remove", "mc-meta gc --dry-run"},
                 {"Do it", "mc-meta gc --yes"},
                 {"What is a day old, on machines that are gone", "mc-meta gc --older-than=24h --silent-is-dead --yes"},
                 {"One segment, with the undo file elsewhere",
                  "mc-meta gc 10.0.0.2:12345 --undo=/var/backups/node2.jsonl --yes"}},
    .options = {kGcOptions, kLoopback, kProbeTimeout, kTimeout, kCluster, kServer, kStore},
};
constexpr config::Command kWatch{
    .name = "watch",
    .summary = "print changes as they happen",
    .description =
        "A line for each change from now on: put KEY VERSION, or remove KEY; with --json an object. SIGINT and "
        "SIGTERM end it with 0. If the server goes, or has to leave out changes, it fails, and the keys are "
        "to be listed again.",
    .examples = {{"All changes", "mc-meta watch"},
                 {"Engines that come and go, for a program", "mc-meta watch mooncake/rpc_meta/ --json"}},
    .options = {kPrefix, kWatchValues, kWatchTimeout, kServer, kStore},
};

constexpr std::array kCommands{kServe,          kGet,  kPut,    kRemove, kListCommand, kShowCommand, kDump,
                               kRestoreCommand, kCopy, kVerify, kGc,     kWatch};

}  // namespace

const config::Tool& metaTool() {
    static const config::Tool tool{
        .main = {.name = "mc-meta",
                 .summary = "a metadata server, and what is in one",
                 .description =
                     "Engines find each other by keys of a metadata server. serve is one; the other commands read "
                     "and write the keys of any, over HTTP, in Redis or in etcd.",
                 .examples = {{"Run a server for this machine", "mc-meta serve"},
                              {"What is there", "mc-meta list"},
                              {"Every change, as it happens",
                               "mc-meta watch --metadata_server=http://10.0.0.1:8080/metadata"},
                              {"The keys of a Redis server", "mc-meta list --metadata_server=redis://10.0.0.1"}},
                 .options = {tools::kCommonOptions},
                 .exit_codes = {{ExitCode::Ok, "done; a server or a watch was stopped"},
                                {ExitCode::Negative,
                                 "the key or segment does not exist, or has another version; verify: there are "
                                 "findings"},
                                {ExitCode::Usage, "an option or an argument is wrong"},
                                {ExitCode::BadData,
                                 "a value is too long or no text; restore: the dump is not whole; serve: the file is "
                                 "damaged"},
                                {ExitCode::NoInput, "a file can't be read"},
                                {ExitCode::Unavailable,
                                 "the server can't be reached, has gone, or can't do that; "
                                 "serve: another process has the file open"},
                                {ExitCode::System, "the operating system refused memory, threads or descriptors"},
                                {ExitCode::CannotCreate,
                                 "a key exists; a file can't be made; serve: a port can't be bound"},
                                {ExitCode::Io, "the server could not store it; changes were lost; output failed"},
                                {ExitCode::TimedOut, "no answer in time"},
                                {ExitCode::Protocol, "it is no metadata server that answers"},
                                {ExitCode::NotPermitted,
                                 "the server or its certificate was refused; serve: the file "
                                 "may not be written"},
                                {ExitCode::Config, "the configuration file or the environment is wrong"},
                                {ExitCode::HungUp, "what takes time, such as a list, was ended by SIGHUP"},
                                {ExitCode::Interrupted, "the same by SIGINT"},
                                {ExitCode::Terminated, "the same by SIGTERM"}}},
        .commands = kCommands};
    return tool;
}

}  // namespace mc::meta
