#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

namespace mc::bench {

/// What is reported of a distribution of durations.
struct LatencySummary {
    std::uint64_t count = 0;
    std::chrono::nanoseconds mean{0}, p50{0}, p90{0}, p99{0}, p99_9{0}, max{0};
};

/// Counts durations in 58 KiB, whatever they are: each power of two is cut into 128 buckets of equal width, so a
/// percentile is off by at most 0.4 %; mean and max are exact. Not for concurrent use: one each, then merge.
class Histogram {
  public:
    Histogram();

    void add(std::chrono::nanoseconds duration);
    void merge(const Histogram& other);

    std::uint64_t count() const { return count_; }
    /// The duration that the fraction `share` (0 to 1) of all does not exceed; 0 when empty.
    std::chrono::nanoseconds percentile(double share) const;
    LatencySummary summary() const;

  private:
    static constexpr unsigned kStepBits = 7;
    static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;
    static std::size_t bucketOf(std::uint64_t value);
    static std::uint64_t middleOf(std::size_t bucket);

    std::unique_ptr<std::array<std::uint64_t, kBuckets>> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
};

}  // namespace mc::bench
