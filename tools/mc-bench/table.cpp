#include "common/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "base/units.h"
#include "mc-bench/table.h"

namespace mc::bench {
namespace {

using tools::Table;
using Row = std::vector<std::string>;

// The repeats of one case; they follow one another.
using Repeats = std::span<const CaseResult>;

std::vector<Repeats> groupRepeats(std::span<const CaseResult> results) {
    std::vector<Repeats> groups;
    for (std::size_t first = 0, i = 1; first < results.size(); ++i) {
        if (i < results.size() && results[i].repeat > results[i - 1].repeat) continue;
        groups.push_back(results.subspan(first, i - first));
        first = i;
    }
    return groups;
}

template <typename Get>
std::vector<double> sorted(Repeats repeats, Get get) {
    std::vector<double> values;
    for (const auto& result : repeats)
        values.push_back(std::invoke(get, result));
    std::ranges::sort(values);
    return values;
}

template <typename Get>
double median(Repeats repeats, Get get) {
    const auto values = sorted(repeats, get);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Two decimals, or two significant ones where that is more.
std::string rate(double gb_per_second) {
    const bool small = gb_per_second > 0 && gb_per_second < 0.1;
    return fmt::format("{:.{}f}", gb_per_second,
                       small ? 1 - static_cast<int>(std::floor(std::log10(gb_per_second))) : 2);
}

std::string range(Repeats repeats) {
    const auto values = sorted(repeats, &CaseResult::gbPerSecond);
    return fmt::format("{} - {}", rate(values.front()), rate(values.back()));
}

Row caseCells(const Case& c) {
    return {toString(c.operation), formatSize(c.block_size), std::to_string(c.batch_size), std::to_string(c.threads)};
}

std::string dataCell(Repeats repeats) {
    Verification all;
    for (const auto& result : repeats) {
        if (result.verification) all.merge(*result.verification);
    }
    if (all.mismatched_blocks > 0) return fmt::format("{} of {} blocks WRONG", all.mismatched_blocks, all.blocks);
    return all.blocks > 0 ? fmt::format("{} blocks right", all.blocks) : "not checked";
}

std::string writesCell(Repeats repeats) {
    Counts all;
    for (const auto& result : repeats)
        all.merge(result.counts);
    const auto acknowledgement = all.acknowledgement();
    return acknowledgement == Acknowledgement::NotApplicable ? "-" : toString(acknowledgement);
}

std::string throughputTable(const std::vector<Repeats>& groups, bool repeated) {
    std::vector<Table::Column> columns{{"operation", Table::Align::Left}, {"block"}, {"batch"}, {"threads"}, {"GB/s"}};
    if (repeated) columns.push_back({"min - max"});
    for (const char* name : {"requests/s", "CPU s/GB", "data", "writes"})
        columns.push_back({name});
    Table table(std::move(columns));
    for (const auto& repeats : groups) {
        Row row = caseCells(repeats.front().parameters);
        row.push_back(rate(median(repeats, &CaseResult::gbPerSecond)));
        if (repeated) row.push_back(range(repeats));
        row.push_back(fmt::format("{:.0f}", median(repeats, &CaseResult::requestsPerSecond)));
        row.push_back(fmt::format("{:.3f}", median(repeats, &CaseResult::cpuSecondsPerGb)));
        row.push_back(dataCell(repeats));
        row.push_back(writesCell(repeats));
        table.addRow(std::move(row));
    }
    return table.toString();
}

std::string latencyTable(const std::vector<Repeats>& groups) {
    Table table({{"operation", Table::Align::Left},
                 {"block"},
                 {"batch"},
                 {"threads"},
                 {"per", Table::Align::Left},
                 {"mean"},
                 {"p50"},
                 {"p90"},
                 {"p99"},
                 {"p99.9"},
                 {"max"}});
    for (const auto& repeats : groups) {
        for (const auto& [name, part] :
             {std::pair{"request", &CaseResult::request_latency}, std::pair{"batch", &CaseResult::batch_latency}}) {
            Row row = caseCells(repeats.front().parameters);
            row.emplace_back(name);
            for (const auto figure : {&LatencySummary::mean, &LatencySummary::p50, &LatencySummary::p90,
                                      &LatencySummary::p99, &LatencySummary::p99_9, &LatencySummary::max}) {
                row.push_back(fmt::format("{:.0f}", median(repeats, [&](const CaseResult& result) {
                                              return static_cast<double>((result.*part.*figure).count()) / 1e3;
                                          })));
            }
            table.addRow(std::move(row));
        }
    }
    return table.toString();
}

std::string mismatchLines(const Verification& verification) {
    std::string text;
    for (const auto& [mismatch, opcode, thread] : verification.examples) {
        text += fmt::format("  {} at offset {} ({}, thread {}): expected {:#018x} of pass {}, found {:#018x}",
                            toString(mismatch.kind), mismatch.offset, opcode == Opcode::Read ? "read" : "write", thread,
                            mismatch.expected, mismatch.pass, mismatch.found);
        if (const auto& origin = mismatch.origin) {
            text += fmt::format(" of pass {} at offset {}", origin->pass, origin->offset);
        }
        text += "\n";
    }
    return text;
}

// What tells whose speed was measured.
std::string wayOf(const PeerInfo& peer) {
    return fmt::format("{}{}", peer.initiator == "kernel" ? ", through the kernel" : "",
                       peer.page_cache ? ", CACHED by this machine" : "");
}

}  // namespace

std::string toTable(const Report& report) {
    const Environment& environment = report.environment;
    std::span<const CaseResult> measured = report.results;
    // A failure ends the run: of the last one there may be nothing to tell but that.
    if (!measured.empty() && measured.back().counts.requests == 0) measured = measured.first(measured.size() - 1);
    const auto groups = groupRepeats(measured);
    std::uint32_t repeats = 0;
    Verification all;
    for (const auto& result : measured) {
        repeats = std::max(repeats, result.repeat);
        if (result.verification) all.merge(*result.verification);
    }
    std::string text =
        fmt::format("{} over {}{}, segment {}, {} s a run{}{}\n", report.mode, report.protocol, wayOf(report.peer),
                    report.segment, std::chrono::duration<double>(report.workload.duration).count(),
                    repeats > 1 ? fmt::format(", median of {}", repeats) : "",
                    report.error         ? ", FAILED"
                    : report.interrupted ? ", INTERRUPTED"
                                         : "");
    text += fmt::format(
        "{}, {} x {}{}, mc {} ({})\n", environment.kernel, environment.cpus, environment.cpu_model,
        report.peer.congestion_control.empty() ? "" : ", congestion control " + report.peer.congestion_control,
        environment.library_version, environment.build_type);
    if (groups.empty()) return text;
    text += fmt::format("\nThroughput (1 GB = 10^9 bytes; CPU time of {})\n{}",
                        report.mode == "loopback" ? "both sides" : "this side", throughputTable(groups, repeats > 1));
    text += fmt::format("\nLatency, us\n{}", latencyTable(groups));
    if (all.mismatched_blocks > 0) text += fmt::format("\nWrong blocks\n{}", mismatchLines(all));
    return text;
}

}  // namespace mc::bench
