#include <fmt/format.h>

#include "mc/version.h"

#include "base/json.h"
#include "bench/report.h"

namespace mc::bench {
namespace {

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

double microseconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

const char* verb(Opcode opcode) {
    return opcode == Opcode::Read ? "read" : "write";
}

template <typename T, typename Encode>
Json orNull(const std::optional<T>& value, Encode encode) {
    return value ? Json(encode(*value)) : Json(nullptr);
}

Json encodeError(const Error& error) {
    return {{"code", toString(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Json encodeLatency(const LatencySummary& latency) {
    return {{"count", latency.count},           {"mean", microseconds(latency.mean)},
            {"p50", microseconds(latency.p50)}, {"p90", microseconds(latency.p90)},
            {"p99", microseconds(latency.p99)}, {"p99_9", microseconds(latency.p99_9)},
            {"max", microseconds(latency.max)}};
}

Json encodeMismatch(const BlockMismatch& found) {
    const Mismatch& mismatch = found.mismatch;
    Json json{{"kind", toString(mismatch.kind)},
              {"operation", verb(found.opcode)},
              {"thread", found.thread},
              {"offset_bytes", mismatch.offset},
              {"expected_word", fmt::format("{:#018x}", mismatch.expected)},
              {"found_word", fmt::format("{:#018x}", mismatch.found)},
              {"expected_pass", mismatch.pass}};
    json["found_pass"] = orNull(mismatch.origin, [](const WordOrigin& origin) { return origin.pass; });
    json["found_offset_bytes"] = orNull(mismatch.origin, [](const WordOrigin& origin) { return origin.offset; });
    return json;
}

Json encodeVerification(const Verification& verification) {
    Json kinds = Json::object(), examples = Json::array();
    for (std::size_t i = 0; i < kMismatchKinds; ++i) {
        kinds[toString(static_cast<MismatchKind>(i))] = verification.by_kind[i];
    }
    for (const auto& example : verification.examples)
        examples.add(encodeMismatch(example));
    return {{"blocks_verified", verification.blocks},
            {"bytes_verified", verification.bytes},
            {"mismatched_blocks", verification.mismatched_blocks},
            {"mismatched_blocks_by_kind", kinds},
            {"first_mismatches", examples}};
}

Json encodeFailure(const RunFailure& failure) {
    Json json = encodeError(failure.error);
    if (const auto& request = failure.request) {
        json["request"] = {{"status", toString(request->status)},
                           {"operation", verb(request->opcode)},
                           {"thread", request->thread},
                           {"index", request->request},
                           {"offset_bytes", request->offset},
                           {"length_bytes", request->length},
                           {"transferred_bytes", request->transferred}};
    }
    return json;
}

Json encodeResult(const CaseResult& result) {
    const Case& c = result.parameters;
    const Counts& counts = result.counts;
    Json json{{"operation", toString(c.operation)},
              {"block_size_bytes", c.block_size},
              {"batch_size", c.batch_size},
              {"threads", c.threads},
              {"repeat", result.repeat},
              {"duration_s", seconds(result.duration)},
              {"elapsed_s", seconds(result.elapsed)},
              {"batch_count", counts.batches},
              {"request_count", counts.requests},
              {"read_bytes", counts.read_bytes},
              {"write_bytes", counts.write_bytes},
              {"throughput_gb_per_s", result.gbPerSecond()},
              {"requests_per_s", result.requestsPerSecond()},
              {"cpu_s", seconds(result.cpu)},
              {"cpu_seconds_per_gb", result.cpuSecondsPerGb()},
              {"request_latency_us", encodeLatency(result.request_latency)},
              {"batch_latency_us", encodeLatency(result.batch_latency)},
              {"acknowledgement", toString(counts.acknowledgement())},
              {"failed_batches", counts.failed_batches},
              {"failed_requests", counts.failed_requests}};
    json["verification"] = orNull(result.verification, encodeVerification);
    json["failure"] = orNull(result.failure, encodeFailure);
    json["interrupted"] = result.interrupted;
    return json;
}

Json encodeParameters(const Report& report) {
    const Workload& workload = report.workload;
    Json options = Json::object();
    for (const auto& [name, value] : report.options)
        options[name] = value;
    return {{"operation", toString(workload.operation)},
            {"read_share", workload.read_share},
            {"access", toString(workload.access)},
            {"block_size_bytes", workload.block_sizes},
            {"batch_size", workload.batch_sizes},
            {"threads", workload.threads},
            {"batches_in_flight", workload.batches_in_flight},
            {"duration_s", seconds(workload.duration)},
            {"warm_up_s", seconds(workload.warm_up)},
            {"batch_timeout_s", seconds(workload.batch_timeout)},
            {"repeat", workload.repeat},
            {"verify", workload.verify},
            {"seed", workload.seed},
            {"options", options}};
}

Json encodeEnvironment(const Environment& environment) {
    return {{"date", environment.date},
            {"hostname", environment.hostname},
            {"kernel", environment.kernel},
            {"cpu_model", environment.cpu_model},
            {"cpus", environment.cpus},
            {"numa_nodes", environment.numa_nodes},
            {"library_version", environment.library_version},
            {"compiler", environment.compiler},
            {"build_type", environment.build_type},
            {"command_line", environment.command_line},
            {"system_congestion_control", environment.system_congestion_control},
            {"load_average_before", environment.load_before},
            {"load_average_after", environment.load_after}};
}

const char* statusOf(const Report& report) {
    if (report.error) return "failed";
    return report.interrupted ? "interrupted" : "ok";
}

}  // namespace

std::string toJson(const Report& report) {
    Json results = Json::array();
    for (const auto& result : report.results)
        results.add(encodeResult(result));
    Json json{{"schema_version", 1},
              {"tool", "mc-bench"},
              {"version", version()},
              {"status", statusOf(report)},
              {"mode", report.mode},
              {"segment", report.segment},
              {"protocol", report.protocol},
              {"gb_bytes", 1'000'000'000},
              {"parameters", encodeParameters(report)},
              {"environment", encodeEnvironment(report.environment)},
              {"peer",
               {{"protocol_version", report.peer.protocol_version},
                {"keeps_connections", report.peer.keeps_connections},
                {"congestion_control", report.peer.congestion_control},
                {"initiator", report.peer.initiator},
                {"page_cache", report.peer.page_cache}}},
              {"results", results}};
    json["error"] = orNull(report.error, encodeError);
    // A host's or a file's name need not be UTF-8.
    return json.text(2) + "\n";
}

}  // namespace mc::bench
