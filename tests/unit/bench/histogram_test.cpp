#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace mc::bench {
namespace {

using std::chrono::nanoseconds;

TEST(Histogram, IsAllZeroWhenEmpty) {
    const auto summary = Histogram().summary();
    EXPECT_EQ(summary.count, 0);
    EXPECT_EQ(summary.p99, nanoseconds(0));
    EXPECT_EQ(summary.max, nanoseconds(0));
}

TEST(Histogram, CountsSmallValuesExactly) {
    Histogram histogram;
    for (int i = 1; i <= 100; ++i)
        histogram.add(nanoseconds(i));
    const auto summary = histogram.summary();
    EXPECT_EQ(summary.p50, nanoseconds(50));
    EXPECT_EQ(summary.p90, nanoseconds(90));
    EXPECT_EQ(summary.p99, nanoseconds(99));
    EXPECT_EQ(summary.p99_9, nanoseconds(100));
    EXPECT_EQ(summary.max, nanoseconds(100));
    EXPECT_EQ(summary.mean, nanoseconds(50));
}

TEST(Histogram, KeepsEveryMagnitudeWithinOnePercent) {
    for (double value = 1; value < 9e18; value *= 1.37) {
        Histogram histogram;
        const auto exact = static_cast<std::int64_t>(value);
        histogram.add(nanoseconds(exact));
        histogram.add(nanoseconds(exact * 0));                                 // Lets the percentile be above min
        histogram.add(nanoseconds(std::numeric_limits<std::int64_t>::max()));  // and below max.
        const auto found = static_cast<double>(histogram.percentile(0.5).count());
        EXPECT_LE(std::abs(found - static_cast<double>(exact)), 0.01 * static_cast<double>(exact)) << exact;
    }
}

TEST(Histogram, MeanAndMaxAreExact) {
    Histogram histogram;
    histogram.add(nanoseconds(1'234'567));
    histogram.add(nanoseconds(7'654'321));
    EXPECT_EQ(histogram.summary().max, nanoseconds(7'654'321));
    EXPECT_EQ(histogram.summary().mean, nanoseconds((1'234'567 + 7'654'321) / 2));
}

TEST(Histogram, MergedPartsEqualTheWhole) {
    std::mt19937_64 random(7);
    Histogram whole, left, right;
    for (int i = 0; i < 10'000; ++i) {
        const nanoseconds value(static_cast<std::int64_t>(random() >> (random() % 60 + 1)));
        whole.add(value);
        (i % 3 == 0 ? left : right).add(value);
    }
    left.merge(right);
    EXPECT_EQ(left.count(), whole.count());
    for (const double share : {0.01, 0.5, 0.9, 0.999, 1.0})
        EXPECT_EQ(left.percentile(share), whole.percentile(share));
    EXPECT_EQ(left.summary().max, whole.summary().max);
}

TEST(Histogram, TakesANegativeDurationAsZero) {
    Histogram histogram;
    histogram.add(nanoseconds(-5));
    EXPECT_EQ(histogram.summary().max, nanoseconds(0));
    EXPECT_EQ(histogram.count(), 1);
}

}  // namespace
}  // namespace mc::bench
