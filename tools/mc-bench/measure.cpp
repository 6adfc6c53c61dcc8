#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <stop_token>
#include <utility>

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "bench/engine_client.h"
#include "bench/runner.h"
#include "common/output.h"
#include "common/progress_line.h"
#include "mc-bench/modes.h"
#include "mc-bench/table.h"
#include "segment/protocols.h"

namespace mc::bench {
namespace {

// Why a segment can't be opened, in the words of somebody who has just typed its name.
Error explain(Error error, const std::string& segment) {
    if (error.code == ErrorCode::NotFound) error.code = ErrorCode::Unavailable;
    if (error.code == ErrorCode::Unavailable && error.hint.empty()) {
        error.hint = "is mc-target, or mc-bench --mode=target, running there? It prints its segment's name";
        if (const auto bracketed = withBrackets(segment)) error.hint = fmt::format("did you mean \"{}\"?", *bracketed);
    }
    if (error.code == ErrorCode::Protocol) {
        error.hint = fmt::format("is {} the segment's name, as the target prints it, and not another port?", segment);
    }
    return error;
}

Result<std::vector<std::span<std::byte>>> addMemory(Side& side, std::size_t size) {
    auto buffers = Side::allocate(size);
    if (!buffers) return std::unexpected(buffers.error());
    return side.addMemory(std::move(*buffers), false);
}

// Files are reached by another transport than memory; which it is the segment tells.
Result<SegmentHandle> openSegment(const Settings& settings, TransferEngine& engine, const std::string& segment) {
    auto handle = engine.openSegment(segment);
    for (const auto protocol : {kNvmeofGeneric, kNvmeofLegacy}) {
        if (handle || handle.error().code != ErrorCode::Unsupported || settings.protocol == protocol) break;
        if (auto installed = engine.installOrGetTransport(protocol); !installed)
            return std::unexpected(installed.error());
        handle = engine.openSegment(segment);
    }
    return handle;
}

Result<Endpoints> connectTo(const Settings& settings, Side& side, const std::string& segment) {
    Endpoints endpoints;
    const auto handle = openSegment(settings, side.engine(), segment);
    if (!handle) return std::unexpected(explain(handle.error(), segment));
    endpoints.segment = *handle;
    const auto descriptor = side.engine().segmentDescriptor(*handle);
    if (!descriptor) return std::unexpected(explain(descriptor.error(), segment));
    for (const auto& buffer : (*descriptor)->buffers)
        endpoints.remote.push_back({.addr = buffer.addr, .length = buffer.length});
    for (const auto& file : (*descriptor)->file_buffers)
        endpoints.remote.push_back({.addr = 0, .length = file.size, .file_id = file.id});
    std::uint64_t mounted = 0;  // One address space, whatever the files.
    for (const auto& file : (*descriptor)->legacy_files)
        mounted += file.length;
    if (mounted > 0) endpoints.remote.push_back({.addr = 0, .length = mounted});
    if (endpoints.remote.empty()) {
        return fail(ErrorCode::Unavailable, fmt::format("segment {}: nothing is registered", segment),
                    "its owner may be starting: try again in a moment");
    }

    auto local = addMemory(side, settings.largest_span);
    if (!local) return std::unexpected(local.error());
    endpoints.local = std::move(*local);
    if (settings.workload.verify) {
        auto scratch = addMemory(side, settings.largest_span);
        if (!scratch) return std::unexpected(scratch.error());
        endpoints.scratch = std::move(*scratch);
    }
    return endpoints;
}

Report startReport(const Settings& settings, const std::string& segment) {
    Report report{.mode = settings.mode,
                  .segment = segment,
                  .protocol = settings.protocol,
                  .workload = settings.workload,
                  .options = settings.options,
                  .environment = collectEnvironment(),
                  .peer = {},
                  .results = {},
                  .error = {}};
    std::ifstream command_line("/proc/self/cmdline");
    for (std::string argument; std::getline(command_line, argument, '\0');) {
        report.environment.command_line +=
            (report.environment.command_line.empty() ? "" : " ") + withoutCredentials(argument);
    }
    return report;
}

// What the progress line says of one run.
class RunProgress {
  public:
    RunProgress(std::string what, const Runner& runner, std::chrono::nanoseconds warm_up)
        : what_(std::move(what)), runner_(runner), measured_by_(at_ + warm_up + std::chrono::seconds(1)) {}

    std::string operator()() {
        const auto now = SteadyClock::now();
        const std::uint64_t bytes = runner_.liveBytes();
        // The first interval with any bytes is warm-up in part.
        const bool warming_up = bytes_ == first_ && now < measured_by_;
        const double seconds = std::chrono::duration<double>(now - at_).count();
        const double rate = static_cast<double>(bytes - bytes_) / 1e9 / seconds;
        bytes_ = bytes;
        at_ = now;
        return warming_up ? what_ + ": warming up" : fmt::format("{}: {:.2f} GB/s", what_, rate);
    }

  private:
    std::string what_;
    const Runner& runner_;
    std::uint64_t first_ = runner_.liveBytes();
    std::uint64_t bytes_ = first_;
    SteadyClock::time_point at_ = SteadyClock::now();
    SteadyClock::time_point measured_by_;  // Unless something is wrong, there are bytes from then on.
};

Result<CaseResult> measureOnce(Runner& runner, const Case& c, std::uint32_t repeat, const Settings& settings,
                               const std::string& position, std::stop_token stop) {
    auto what = fmt::format("{}{} {} x {}, threads {}, run {} of {}", position, toString(c.operation),
                            formatSize(c.block_size), c.batch_size, c.threads, repeat, settings.workload.repeat);
    const tools::ProgressLine progress(settings.quiet
                                           ? std::function<std::string()>()
                                           : RunProgress(std::move(what), runner, settings.workload.warm_up));
    return runner.run(c, repeat, std::move(stop));
}

Result<void> runCases(const Settings& settings, Runner& runner, Report& report, const tools::StopSignals& stop) {
    const auto cases = report.workload.cases();
    if (!cases) return std::unexpected(cases.error());
    for (const auto& c : *cases) {
        if (auto fits = runner.checkFits(c); !fits) return std::unexpected(fits.error());
    }
    for (std::size_t i = 0; i < cases->size(); ++i) {
        const std::string position = cases->size() > 1 ? fmt::format("case {} of {}, ", i + 1, cases->size()) : "";
        for (std::uint32_t repeat = 1; repeat <= settings.workload.repeat; ++repeat) {
            auto result = measureOnce(runner, (*cases)[i], repeat, settings, position, stop.token());
            if (!result) return std::unexpected(result.error());
            if (result->interrupted && result->counts.batches == 0) return {};
            if (!settings.quiet && !result->failure) {
                fmt::print(stderr, "{}\n", stockLine(*result, settings.report_unit, settings.report_precision));
            }
            report.results.push_back(std::move(*result));
            if (!report.results.back().ok() || stop.received() != 0) return {};
        }
    }
    return {};
}

Result<void> print(const Report& report, Format format) {
    return tools::writeData(format == Format::Json  ? toJson(report)
                            : format == Format::Csv ? toCsv(report)
                                                    : toTable(report));
}

}  // namespace

Result<ExitCode> measure(const Settings& settings, const std::string& segment, tools::StopSignals& stop) {
    auto side = settings.unnamed ? Side::openUnnamed(settings, settings.local_server_name)
                                 : Side::open(settings, settings.local_server_name);
    if (!side) return std::unexpected(side.error());
    const std::stop_callback stop_waiting(stop.token(), [&side] { (*side)->engine().stopWaiting(); });
    auto endpoints = connectTo(settings, **side, segment);
    if (!endpoints && stop.received() == 0) return std::unexpected(endpoints.error());

    Report report = startReport(settings, segment);
    if (!endpoints) {
        report.interrupted = true;
        if (const auto printed = print(report, settings.format); !printed) return std::unexpected(printed.error());
        return stop.exitCode();
    }
    const SegmentHandle handle = endpoints->segment;
    if (const auto descriptor = (*side)->engine().segmentDescriptor(handle)) {
        report.protocol = (*descriptor)->protocol();
        if (settings.access_by_segment && report.protocol != "tcp") report.workload.access = Access::Random;
    }
    EngineClient client((*side)->engine());
    Runner runner(client, std::move(*endpoints), report.workload);
    const auto ran = runCases(settings, runner, report, stop);
    if (!ran && report.results.empty()) return std::unexpected(ran.error());
    report.environment.load_after = loadAverage();
    report.peer = (*side)->engine().peerInfo(handle).value_or(PeerInfo{});
    explainFailures(report.peer, report.results);
    report.interrupted = stop.received() != 0;
    report.error = ran ? judge(report.results) : std::optional(ran.error());
    if (const auto printed = print(report, settings.format); !printed) return std::unexpected(printed.error());
    if (!report.error) return report.interrupted ? stop.exitCode() : ExitCode::Ok;
    if (settings.format != Format::Json) return std::unexpected(*report.error);
    // A returned error would become a second document.
    fmt::print(stderr, "mc-bench: {}\n", report.error->message);
    if (!report.error->hint.empty()) fmt::print(stderr, "hint: {}\n", report.error->hint);
    return exitCode(report.error->code);
}

}  // namespace mc::bench
