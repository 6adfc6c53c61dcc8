#include "bench/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace mc::bench {
namespace {

using testing::HasSubstr;

const std::vector<RemoteBuffer> kFiles{{.length = 40960, .file_id = 1},
                                       {.length = 4095, .file_id = 2},  // Less than a block.
                                       {.length = 13000, .file_id = 7}};

TEST(Placement, FixedIsWhereMooncakesBenchPutsIt) {
    const std::vector<RemoteBuffer> buffers{{.addr = 0x1000, .length = 1 << 20}, {.addr = 0x900000, .length = 1 << 20}};
    const Case c{.block_size = 4096, .batch_size = 4, .threads = 3};
    Placement placement(c, buffers, 1, 7);
    for (int batch = 0; batch < 2; ++batch) {
        for (std::uint32_t i = 0; i < c.batch_size; ++i) {
            const auto place = placement.next(i);
            EXPECT_EQ(place.buffer, 1);
            EXPECT_EQ(place.offset, c.offset(1, i));
            EXPECT_EQ(place.before, 1 << 20);
        }
    }
}

TEST(Placement, RandomComesToEveryBlockOnceBeforeItComesToAnyTwice) {
    for (const std::uint32_t threads : {1U, 2U, 3U, 13U}) {
        const Case c{.block_size = 4096, .batch_size = 1, .threads = threads, .access = Access::Random};
        ASSERT_TRUE(checkPlacement(c, kFiles, true));
        std::set<std::pair<std::size_t, std::uint64_t>> seen;
        for (std::uint32_t thread = 0; thread < threads; ++thread) {
            Placement placement(c, kFiles, thread, 42);
            const std::uint32_t share = (13 / threads) + (thread < 13 % threads ? 1 : 0);
            for (std::uint32_t i = 0; i < share; ++i) {
                const auto place = placement.next(0);
                EXPECT_LE(place.offset + c.block_size, kFiles[place.buffer].length);
                EXPECT_EQ(place.before, place.buffer == 0 ? 0 : 40960 + 4095);
                EXPECT_TRUE(seen.emplace(place.buffer, place.offset).second) << "thread " << thread;
            }
        }
        EXPECT_EQ(seen.size(), 13) << threads << " threads";
    }
}

TEST(Placement, RandomGoesOnAfterTheLastBlockAndDependsOnTheSeed) {
    const std::vector<RemoteBuffer> buffers{{.addr = 0, .length = 100 * 4096}};
    const Case c{.block_size = 4096, .batch_size = 1, .threads = 1, .access = Access::Random};
    Placement first(c, buffers, 0, 1), second(c, buffers, 0, 2);
    std::vector<std::uint64_t> round, other;
    for (int i = 0; i < 100; ++i) {
        round.push_back(first.next(0).offset);
        other.push_back(second.next(0).offset);
    }
    EXPECT_NE(round, other);
    for (const std::uint64_t offset : round)
        EXPECT_EQ(first.next(0).offset, offset);
}

TEST(Placement, RandomNeedsABlockForEachThreadAndForVerificationABatch) {
    Case c{.block_size = 4096, .batch_size = 13, .threads = 1, .access = Access::Random};
    EXPECT_TRUE(checkPlacement(c, kFiles, true));
    c.batch_size = 14;
    EXPECT_TRUE(checkPlacement(c, kFiles, false));
    const auto fits = checkPlacement(c, kFiles, true);
    ASSERT_FALSE(fits);
    EXPECT_EQ(fits.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(fits.error().message, HasSubstr("room for 13 blocks of 4KiB, but verifying batch_size 14 * threads 1"));
    c.threads = 14;
    EXPECT_FALSE(checkPlacement(c, kFiles, false));
}

TEST(Placement, MoreBytesThanThePatternTellsApartAreNotVerified) {
    const std::vector<RemoteBuffer> huge{{.length = 1ULL << 39, .file_id = 1}, {.length = 4096, .file_id = 2}};
    const Case c{.block_size = 4096, .batch_size = 1, .threads = 1, .access = Access::Random};
    EXPECT_TRUE(checkPlacement(c, huge, false));
    EXPECT_FALSE(checkPlacement(c, huge, true));
}

TEST(Placement, FixedNeedsRoomInEachThreadsBuffer) {
    const Case c{.block_size = 4096, .batch_size = 1, .threads = 2};
    EXPECT_FALSE(checkPlacement(c, kFiles, false));
    EXPECT_FALSE(checkPlacement(c, {}, false));
}

}  // namespace
}  // namespace mc::bench
