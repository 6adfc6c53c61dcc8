#include <fmt/format.h>

#include "bench/report.h"

namespace mc::bench {
namespace {

std::string latencyColumns(const LatencySummary& latency) {
    const auto us = [](std::chrono::nanoseconds duration) {
        return std::chrono::duration<double, std::micro>(duration).count();
    };
    return fmt::format("{:.3f},{:.3f},{:.3f},{:.3f},{:.3f}", us(latency.p50), us(latency.p90), us(latency.p99),
                       us(latency.p99_9), us(latency.max));
}

}  // namespace

std::string toCsv(const Report& report) {
    std::string csv =
        "operation,block_size_bytes,batch_size,threads,repeat,duration_s,batch_count,request_count,read_bytes,"
        "write_bytes,throughput_gb_per_s,requests_per_s,cpu_seconds_per_gb,"
        "request_p50_us,request_p90_us,request_p99_us,request_p99_9_us,request_max_us,"
        "batch_p50_us,batch_p90_us,batch_p99_us,batch_p99_9_us,batch_max_us,"
        "acknowledgement,blocks_verified,mismatched_blocks,failed_requests,interrupted,initiator,page_cache\n";
    for (const auto& result : report.results) {
        const Case& c = result.parameters;
        const Counts& counts = result.counts;
        const Verification none;
        const Verification& verification = result.verification ? *result.verification : none;
        csv +=
            fmt::format("{},{},{},{},{},{:.6f},{},{},{},{},{:.6f},{:.3f},{:.6f},", toString(c.operation), c.block_size,
                        c.batch_size, c.threads, result.repeat, std::chrono::duration<double>(result.duration).count(),
                        counts.batches, counts.requests, counts.read_bytes, counts.write_bytes, result.gbPerSecond(),
                        result.requestsPerSecond(), result.cpuSecondsPerGb());
        csv += fmt::format("{},{},{},{},{},{},{},{},{}\n", latencyColumns(result.request_latency),
                           latencyColumns(result.batch_latency), toString(counts.acknowledgement()),
                           verification.blocks, verification.mismatched_blocks, counts.failed_requests,
                           result.interrupted, report.peer.initiator, report.peer.page_cache);
    }
    return csv;
}

}  // namespace mc::bench
