#pragma once

#include "bench/report.h"

namespace mc::bench::test {

inline CaseResult result(std::uint32_t repeat, std::chrono::nanoseconds duration, std::uint64_t block_size = 64 << 10) {
    CaseResult made;
    made.parameters = {.operation = Operation::Write, .block_size = block_size, .batch_size = 10, .threads = 4};
    made.repeat = repeat;
    made.duration = duration;
    made.elapsed = duration + std::chrono::milliseconds(1);
    made.cpu = duration / 2;
    made.counts = {.batches = 100, .requests = 1000, .write_bytes = 4'000'000'000, .acknowledged_writes = 1000};
    Histogram latency;
    for (int i = 1; i <= 100; ++i)
        latency.add(std::chrono::microseconds(i));
    made.request_latency = made.batch_latency = latency.summary();
    return made;
}

inline Report report() {
    using std::chrono::seconds;
    Report made;
    made.mode = "initiator";
    made.segment = "127.0.0.1:15001";
    made.protocol = "tcp";
    made.environment = collectEnvironment();
    made.peer = {.protocol_version = 2,
                 .keeps_connections = true,
                 .congestion_control = "cubic",
                 .initiator = "kernel",
                 .page_cache = true};
    made.options = {{"block_size", "64KiB"}};
    made.results = {result(1, seconds(2)), result(2, seconds(1)), result(3, seconds(4)), result(1, seconds(1), 4096)};
    return made;
}

inline Verification wrong() {
    Verification verification;
    verification.blocks = 10;
    verification.bytes = 1000;
    verification.add({{MismatchKind::Stale, 4096, 0xabc, 0xdef, WordOrigin{6, 4096}, 7}, Opcode::Write, 2});
    return verification;
}

}  // namespace mc::bench::test
