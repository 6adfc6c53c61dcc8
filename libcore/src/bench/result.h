#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "mc/error.h"
#include "mc/transfer.h"

#include "bench/histogram.h"
#include "bench/pattern.h"
#include "bench/workload.h"

namespace mc::bench {

/// How much a COMPLETED write says about the far side's memory.
enum class Acknowledgement : std::uint8_t {
    NotApplicable,   ///< Nothing was written.
    Acknowledged,    ///< The peer confirmed every write.
    Unacknowledged,  ///< It confirmed none: completed means sent.
    Mixed,
};

const char* toString(Acknowledgement acknowledgement);

/// One block that was not what it should be.
struct BlockMismatch {
    Mismatch mismatch;
    Opcode opcode = Opcode::Read;  ///< The measured operation that moved the block.
    std::uint32_t thread = 0;
};

/// What checking the data found.
struct Verification {
    static constexpr std::size_t kMaxExamples = 8;

    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
    std::uint64_t mismatched_blocks = 0;
    std::array<std::uint64_t, kMismatchKinds> by_kind{};
    std::vector<BlockMismatch> examples;  ///< The first few.

    void add(const BlockMismatch& found);
    void merge(const Verification& other);
};

/// A request that did not end COMPLETED.
struct RequestFailure {
    TaskStatus status = TaskStatus::FAILED;
    Opcode opcode = Opcode::Read;
    std::uint32_t thread = 0;
    std::uint32_t request = 0;
    std::uint64_t offset = 0;  ///< In the remote buffer.
    std::uint64_t length = 0;
    std::uint64_t transferred = 0;
};

/// Why a run ended early.
struct RunFailure {
    Error error;
    std::optional<RequestFailure> request;
};

/// What was counted in the timed part.
struct Counts {
    std::uint64_t batches = 0;
    std::uint64_t requests = 0;
    std::uint64_t read_bytes = 0;  ///< Of COMPLETED requests only.
    std::uint64_t write_bytes = 0;
    std::uint64_t failed_batches = 0;
    std::uint64_t failed_requests = 0;
    std::uint64_t acknowledged_writes = 0;
    std::uint64_t unacknowledged_writes = 0;

    std::uint64_t bytes() const { return read_bytes + write_bytes; }
    Acknowledgement acknowledgement() const;
    void merge(const Counts& other);
};

/// One case, measured once.
struct CaseResult {
    Case parameters;
    std::uint32_t repeat = 0;              ///< From 1.
    std::chrono::nanoseconds duration{0};  ///< Of the measured operation, draining included, checking excluded.
    std::chrono::nanoseconds elapsed{0};   ///< From the first measured batch to the end of the last check.
    std::chrono::nanoseconds cpu{0};       ///< User and system time of the whole process during `duration`.
    Counts counts;
    LatencySummary request_latency;
    LatencySummary batch_latency;
    std::optional<Verification> verification;
    std::optional<RunFailure> failure;
    bool interrupted = false;

    /// 1 GB is 10^9 bytes.
    double gbPerSecond() const;
    double requestsPerSecond() const;
    double cpuSecondsPerGb() const;
    /// The data was right and every request ended well.
    bool ok() const;
};

}  // namespace mc::bench
