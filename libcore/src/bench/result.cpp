#include "bench/result.h"

namespace mc::bench {
namespace {

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

double ratio(double numerator, double denominator) {
    return denominator > 0 ? numerator / denominator : 0;
}

}  // namespace

const char* toString(Acknowledgement acknowledgement) {
    switch (acknowledgement) {
        case Acknowledgement::NotApplicable:
            return "not_applicable";
        case Acknowledgement::Acknowledged:
            return "acknowledged";
        case Acknowledgement::Unacknowledged:
            return "unacknowledged";
        case Acknowledgement::Mixed:
            return "mixed";
    }
    return "not_applicable";
}

void Verification::add(const BlockMismatch& found) {
    ++mismatched_blocks;
    ++by_kind[static_cast<std::size_t>(found.mismatch.kind)];
    if (examples.size() < kMaxExamples) examples.push_back(found);
}

void Verification::merge(const Verification& other) {
    blocks += other.blocks;
    bytes += other.bytes;
    mismatched_blocks += other.mismatched_blocks;
    for (std::size_t i = 0; i < kMismatchKinds; ++i)
        by_kind[i] += other.by_kind[i];
    for (const auto& example : other.examples) {
        if (examples.size() < kMaxExamples) examples.push_back(example);
    }
}

Acknowledgement Counts::acknowledgement() const {
    if (acknowledged_writes + unacknowledged_writes == 0) return Acknowledgement::NotApplicable;
    if (unacknowledged_writes == 0) return Acknowledgement::Acknowledged;
    return acknowledged_writes == 0 ? Acknowledgement::Unacknowledged : Acknowledgement::Mixed;
}

void Counts::merge(const Counts& other) {
    batches += other.batches;
    requests += other.requests;
    read_bytes += other.read_bytes;
    write_bytes += other.write_bytes;
    failed_batches += other.failed_batches;
    failed_requests += other.failed_requests;
    acknowledged_writes += other.acknowledged_writes;
    unacknowledged_writes += other.unacknowledged_writes;
}

double CaseResult::gbPerSecond() const {
    return ratio(static_cast<double>(counts.bytes()) / 1e9, seconds(duration));
}

double CaseResult::requestsPerSecond() const {
    return ratio(static_cast<double>(counts.requests), seconds(duration));
}

double CaseResult::cpuSecondsPerGb() const {
    return ratio(seconds(cpu), static_cast<double>(counts.bytes()) / 1e9);
}

bool CaseResult::ok() const {
    return !failure && (!verification || verification->mismatched_blocks == 0);
}

}  // namespace mc::bench
