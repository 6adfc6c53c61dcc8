#include "mc-bench/options.h"

#include "common/common_options.h"
#include "common/nvmeof_address_options.h"
#include "engine/engine_options.h"

namespace mc::bench {
namespace {

using config::Option;
using config::Type;

constexpr std::string_view kPeers = "Peers and memory";
constexpr std::string_view kLoad = "Load";
constexpr std::string_view kReport = "Report";

constexpr Option kOptions[] = {
    {.name = "mode",
     .type = Type::Choice,
     .choices = {"initiator", "target", "loopback"},
     .fallback = "initiator",
     .group = kPeers,
     .summary = "role of this process",
     .details = "A target serves memory or files until SIGINT or SIGTERM. An initiator measures transfers to and from "
                "a target. "
                "loopback is both in one process."},
    {.name = "metadata-server",
     .placeholder = "URI",
     .fallback = "P2PHANDSHAKE",
     .group = kPeers,
     .summary = "where segments are looked up",
     .details = "P2PHANDSHAKE needs no server: the target itself is asked. http://HOST:8080/metadata and https:// are "
                "those of mc-meta serve and of Mooncake's own servers. redis://[USER@]HOST[:PORT][/DATABASE] is Redis, "
                "etcd://HOST:2379[,HOST:2379...] or the same without etcd:// is etcd."},
    {.name = "local-server-name",
     .placeholder = "HOST[:PORT]",
     .group = kPeers,
     .summary = "address to bind and to be known by; by default 127.0.0.1, with --ipv6 ::1",
     .details = "Without a port, one of the range --min-port to --max-port."},
    {.name = "segment-id",
     .placeholder = "HOST:PORT",
     .group = kPeers,
     .summary = "initiator: the target's segment, as the target prints it"},
    {.name = "protocol",
     .placeholder = "NAME",
     .fallback = "tcp",
     .group = kPeers,
     .summary = "transport; this build has tcp, and nvmeof_generic for files",
     .details = "An initiator takes the one that the segment needs; --files asks for nvmeof_generic."},
    {.name = "device-name",
     .placeholder = "NAME",
     .group = kPeers,
     .summary = "network device of rdma; tcp ignores it"},
    {.name = "nic-priority-matrix",
     .placeholder = "FILE",
     .file = true,
     .group = kPeers,
     .summary = "network devices per location, of rdma; tcp ignores it"},
    {.name = "auto-discovery",
     .type = Type::Flag,
     .group = kPeers,
     .summary = "choose by the network devices found; without any, tcp"},
    {.name = "backend",
     .type = Type::Choice,
     .choices = {"classic"},
     .fallback = "classic",
     .group = kPeers,
     .summary = "engine; this build has classic"},
    {.name = "use-vram", .type = Type::Flag, .group = kPeers, .summary = "GPU memory; this build has none"},
    {.name = "buffer-size",
     .type = Type::Size,
     .min = "1",
     .fallback = "1GiB",
     .group = kPeers,
     .summary = "target: size of the buffer on each NUMA node",
     .details = "Raised to block-size * batch-size * threads, which is what an initiator takes for itself."},
    {.name = "files",
     .placeholder = "PATH[:SIZE]",
     .repeated = true,
     .file = true,
     .group = kPeers,
     .summary = "target: files and block devices to serve instead of memory, over nvmeof_generic",
     .details = "Separated by spaces or commas. What they hold is overwritten by writes and by --verify."},
    tools::nvmeofBackendOption("files-backend"),
    {.name = "init-mem", .type = Type::Flag, .group = kPeers, .summary = "of GPU memory; ignored"},
    {.name = "gpu-id", .type = Type::Integer, .group = kPeers, .summary = "of GPU memory; ignored"},
    {.name = "operation",
     .type = Type::Choice,
     .choices = {"read", "write", "mixed"},
     .fallback = "read",
     .group = kLoad,
     .summary = "what the initiator does"},
    {.name = "read-share",
     .type = Type::Number,
     .min = "0",
     .max = "1",
     .fallback = "0.5",
     .group = kLoad,
     .summary = "mixed: the share of reads in each batch"},
    {.name = "block-size",
     .type = Type::Size,
     .repeated = true,
     .min = "1",
     .max = "64GiB",
     .fallback = "64KiB",
     .group = kLoad,
     .summary = "bytes of a request; a list is swept",
     .details =
         "Of files, any number: of blocks of the target's device that are written in part, threads undo nothing of "
         "each other, but several processes may."},
    {.name = "batch-size",
     .type = Type::Integer,
     .repeated = true,
     .min = "1",
     .max = "1048576",
     .fallback = "128",
     .group = kLoad,
     .summary = "requests of a batch; a list is swept"},
    {.name = "threads",
     .type = Type::Integer,
     .repeated = true,
     .min = "1",
     .max = "1024",
     .fallback = "12",
     .group = kLoad,
     .summary = "threads that submit batches; a list is swept"},
    {.name = "batches-in-flight",
     .type = Type::Integer,
     .min = "1",
     .max = "1024",
     .fallback = "1",
     .group = kLoad,
     .summary = "batches that each thread keeps under way",
     .details =
         "1, as Mooncake's transfer_engine_bench does it: a batch is submitted when the one before has ended, so that "
         "all wait for the last request of each. 2 and more keep the connection busy meanwhile; each takes memory of "
         "its own, as if batch-size were so much larger."},
    {.name = "access",
     .type = Type::Choice,
     .choices = {"auto", "fixed", "random"},
     .fallback = "auto",
     .group = kLoad,
     .summary = "which blocks of the segment are moved",
     .details =
         "fixed: those at the beginning of its buffers, the same in every batch, as Mooncake's "
         "transfer_engine_bench does it. random: all of them, each once before any comes twice, in an order that "
         "--seed decides. auto: fixed for memory, random for files."},
    {.name = "duration",
     .type = Type::Duration,
     .min = "1ms",
     .fallback = "10s",
     .group = kLoad,
     .summary = "how long to measure each case"},
    {.name = "warmup",
     .type = Type::Duration,
     .fallback = "500ms",
     .group = kLoad,
     .summary = "how long to run before that, uncounted"},
    {.name = "repeat",
     .type = Type::Integer,
     .min = "1",
     .max = "1000000",
     .fallback = "1",
     .group = kLoad,
     .summary = "times that each case is measured"},
    {.name = "timeout",
     .type = Type::Duration,
     .fallback = "2m",
     .group = kLoad,
     .summary = "how long one batch may take; 0: for ever"},
    {.name = "verify",
     .type = Type::Flag,
     .group = kLoad,
     .summary = "check every block that was moved, in both directions",
     .details = "The data tells which pass wrote it and where it belongs, so that stale, torn and misplaced blocks are "
                "told from corrupt ones. Writes are read back; what reads are to find is written first. Neither is "
                "measured. Threads then start each batch together."},
    {.name = "seed",
     .type = Type::Integer,
     .min = "0",
     .group = kLoad,
     .summary = "of the data that is verified; by default another in each run"},
    {.name = "report-unit",
     .type = Type::Choice,
     .choices = {"GB", "GiB", "Gb", "MB", "MiB", "Mb", "KB", "KiB", "Kb"},
     .fallback = "GB",
     .group = kReport,
     .summary = "unit of the line \"Test completed\""},
    {.name = "report-precision",
     .type = Type::Integer,
     .min = "0",
     .max = "15",
     .fallback = "2",
     .group = kReport,
     .summary = "decimals of that line's throughput"},
    {.name = "csv", .type = Type::Flag, .group = kReport, .summary = "write a header and a row for each measurement"},
};

constexpr std::string_view kDescription =
    "Moves blocks between registered memory and the memory or the files of another engine, and reports throughput, "
    "latency and CPU time. The flags "
    "are those of Mooncake's transfer_engine_bench and transfer_engine_nvmeof_generic_bench, which may be at the other "
    "end.\n\n"
    "Start a target; it prints the command of the initiator. Or try both in one process with --mode=loopback.";

}  // namespace

const config::Tool& benchTool() {
    static const config::Tool tool{
        .main = {
            .name = "mc-bench",
            .summary = "measure throughput and latency of transfers to and from segments of memory and of files",
            .description = kDescription,
            .examples =
                {{"Try it on this machine, checking the data",
                  "mc-bench --mode=loopback --verify --duration=2s --threads=2"},
                 {"Serve 1 GiB to other machines", "mc-bench --mode=target --local_server_name=10.0.0.2:12345"},
                 {"Measure reads from there",
                  "mc-bench --segment_id=10.0.0.2:12345 --local_server_name=10.0.0.3:12346"},
                 {"Serve two files, and measure reads of them, checking the data",
                  "mc-bench --mode=loopback --files=\"/data/f0 /data/f1\" --batch_size=32 --threads=2 --verify"},
                 {"Sweep block sizes and threads, three times each, as CSV",
                  "mc-bench --segment_id=10.0.0.2:12345 --block_size=4KiB,1MiB --threads=1,4 --repeat=3 --csv"}},
            .options = {kOptions, tools::kNvmeofAddressOptions, tools::kCommonOptions, engineOptionTable()},
            .exit_codes = {{ExitCode::Ok, "measured; with --verify, all data was right; a target was stopped"},
                           {ExitCode::Negative, "wrong data was found, or a request was refused"},
                           {ExitCode::Usage, "an option is wrong, or a buffer too small for the workload"},
                           {ExitCode::BadData, "a descriptor is malformed, or a value of the metadata server"},
                           {ExitCode::NoInput, "the configuration file can't be read"},
                           {ExitCode::Unavailable,
                            "the target or the metadata server can't be reached, or serves nothing, or was lost; "
                            "or the kernel's NVMe host is not there"},
                           {ExitCode::System, "the operating system refused memory or threads"},
                           {ExitCode::CannotCreate, "a port can't be bound, or the name is taken"},
                           {ExitCode::Io, "the metadata server could not store it, or output failed"},
                           {ExitCode::TimedOut, "a request, a batch or the metadata server timed out"},
                           {ExitCode::Protocol, "the target or the metadata server broke the protocol"},
                           {ExitCode::NotPermitted,
                            "the target of the files does not let this host in, or the kernel's NVMe host is not for "
                            "this user"},
                           {ExitCode::Config, "the configuration file or the environment is wrong"},
                           {ExitCode::HungUp, "ended by SIGHUP; what was measured is printed"},
                           {ExitCode::Interrupted, "interrupted by SIGINT; what was measured is printed"},
                           {ExitCode::Terminated, "ended by SIGTERM; what was measured is printed"}}}};
    return tool;
}

}  // namespace mc::bench
