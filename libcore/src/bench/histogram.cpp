#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mc::bench {

Histogram::Histogram() : buckets_(std::make_unique<std::array<std::uint64_t, kBuckets>>()) {}

// Below 2^kStepBits every value has its bucket; above, the leading bit picks the row and the next bits the step in it.
std::size_t Histogram::bucketOf(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kStepBits) return value;
    const unsigned shift = width - 1 - kStepBits;
    return (static_cast<std::size_t>(shift) << kStepBits) + (value >> shift);
}

std::uint64_t Histogram::middleOf(std::size_t bucket) {
    constexpr std::size_t kSteps = 1U << kStepBits;
    if (bucket < 2 * kSteps) return bucket;
    const std::size_t shift = (bucket >> kStepBits) - 1;
    return ((kSteps + bucket % kSteps) << shift) + (1ULL << shift) / 2;
}

void Histogram::add(std::chrono::nanoseconds duration) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
    ++(*buckets_)[bucketOf(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i)
        (*buckets_)[i] += (*other.buckets_)[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds Histogram::percentile(double share) const {
    if (count_ == 0) return {};
    const auto wanted = std::clamp<std::uint64_t>(
        static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    for (; bucket < kBuckets; ++bucket) {
        seen += (*buckets_)[bucket];
        if (seen >= wanted) break;
    }
    return std::chrono::nanoseconds(std::clamp(middleOf(bucket), min_, max_));
}

LatencySummary Histogram::summary() const {
    if (count_ == 0) return {};
    return {.count = count_,
            .mean = std::chrono::nanoseconds(sum_ / count_),
            .p50 = percentile(0.5),
            .p90 = percentile(0.9),
            .p99 = percentile(0.99),
            .p99_9 = percentile(0.999),
            .max = std::chrono::nanoseconds(max_)};
}

}  // namespace mc::bench
