#include "bench/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mc::bench {
namespace {

using testing::HasSubstr;

TEST(Workload, SweepsEveryCombinationWithBlockSizesInnermost) {
    Workload workload;
    workload.block_sizes = {4096, 65536};
    workload.batch_sizes = {1, 128};
    workload.threads = {1, 4, 12};
    const auto cases = workload.cases();
    ASSERT_TRUE(cases);
    ASSERT_EQ(cases->size(), 12);
    EXPECT_EQ((*cases)[0].block_size, 4096);
    EXPECT_EQ((*cases)[1].block_size, 65536);
    EXPECT_EQ((*cases)[1].batch_size, 1);
    EXPECT_EQ((*cases)[2].batch_size, 128);
    EXPECT_EQ((*cases)[11].threads, 12);
}

TEST(Workload, NamesTheParameterThatIsOutOfBounds) {
    const auto refused = [](auto change) {
        Workload workload;
        change(workload);
        const auto cases = workload.cases();
        return cases ? std::string() : cases.error().message;
    };
    EXPECT_THAT(refused([](Workload& w) { w.block_sizes = {0}; }), HasSubstr("block_size"));
    EXPECT_THAT(refused([](Workload& w) { w.batch_sizes = {}; }), HasSubstr("batch_size"));
    EXPECT_THAT(refused([](Workload& w) { w.batches_in_flight = 0; }), HasSubstr("batches-in-flight: 0"));
    EXPECT_THAT(refused([](Workload& w) { w.batches_in_flight = 1025; }), HasSubstr("from 1 to 1024"));
    EXPECT_THAT(refused([](Workload& w) { w.threads = {5000}; }), HasSubstr("threads: 5000"));
    EXPECT_THAT(refused([](Workload& w) { w.read_share = 1.5; }), HasSubstr("read-share"));
    EXPECT_THAT(refused([](Workload& w) { w.duration = {}; }), HasSubstr("duration"));
    EXPECT_THAT(refused([](Workload& w) { w.repeat = 0; }), HasSubstr("repeat"));
    EXPECT_THAT(refused([](Workload& w) {
                    w.block_sizes = {1ULL << 36};
                    w.batch_sizes = {1 << 20};
                }),
                HasSubstr("block_size 64GiB * batch_size 1048576 * threads 12 is more than 512GiB"));
    EXPECT_THAT(refused([](Workload& w) {
                    w.block_sizes = {1ULL << 30};
                    w.batches_in_flight = 1024;
                }),
                HasSubstr(" * batches-in-flight 1024 * threads "));
}

TEST(Workload, KnowsItsOperationsByName) {
    for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
        EXPECT_EQ(parseOperation(toString(operation)), operation);
    }
    EXPECT_THAT(parseOperation("erase").error().message, HasSubstr("\"erase\" is not one of read, write, mixed"));
}

TEST(Case, LaysOutEveryBlockOnceAndWithoutGaps) {
    const Case c{.block_size = 4096, .batch_size = 8, .threads = 3};
    std::set<std::uint64_t> offsets;
    for (std::uint32_t thread = 0; thread < c.threads; ++thread) {
        for (std::uint32_t i = 0; i < c.batch_size; ++i)
            offsets.insert(c.offset(thread, i));
    }
    EXPECT_EQ(offsets.size(), 24);
    EXPECT_EQ(*offsets.begin(), 0);
    EXPECT_EQ(*offsets.rbegin(), c.span() - c.block_size);
    EXPECT_EQ(c.offset(1, 2), 4096 * (2 * 3 + 1));
}

TEST(Case, MixesReadsInTheAskedShare) {
    for (const auto& [share, reads] : {std::pair{0.0, 0}, {0.25, 25}, {0.3, 30}, {0.5, 50}, {1.0, 100}}) {
        const Case c{.operation = Operation::Mixed, .read_share = share, .batch_size = 100};
        int found = 0;
        for (std::uint32_t i = 0; i < 100; ++i)
            found += c.opcode(i) == Opcode::Read ? 1 : 0;
        EXPECT_EQ(found, reads) << share;
    }
}

TEST(Case, FitsExactlyIntoItsSpan) {
    const Case c{.block_size = 4096, .batch_size = 8, .threads = 3};
    EXPECT_TRUE(checkFits(c, std::vector<std::uint64_t>{c.span()}, "remote"));
    const auto fits = checkFits(c, std::vector<std::uint64_t>{c.span() - 1}, "remote");
    ASSERT_FALSE(fits);
    EXPECT_EQ(fits.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(fits.error().message, HasSubstr("remote buffer 0 has 98303"));
    EXPECT_THAT(fits.error().message, HasSubstr("needs 96KiB"));
    EXPECT_THAT(fits.error().hint, HasSubstr("--buffer_size=96KiB"));
}

TEST(Case, NamesBatchesInFlightAmongWhatItNeeds) {
    const Case c{.block_size = 4096, .batch_size = 8, .threads = 3, .batches_in_flight = 2};
    const auto fits = checkFits(c, std::vector<std::uint64_t>{4096}, "remote");
    ASSERT_FALSE(fits);
    EXPECT_EQ(
        fits.error().message,
        "remote buffer 0 has 4KiB, but block_size 4KiB * batch_size 8 * batches-in-flight 2 * threads 3 needs 192KiB");
    EXPECT_THAT(fits.error().hint, HasSubstr("batches in flight"));
}

TEST(Case, FailsWithoutAnyBuffer) {
    EXPECT_THAT(checkFits({}, {}, "remote").error().message, HasSubstr("no buffer"));
}

TEST(Case, CountsOnlyTheThreadsOfEachBuffer) {
    const Case c{.block_size = 4096, .batch_size = 1, .threads = 2};
    EXPECT_TRUE(checkFits(c, std::vector<std::uint64_t>{4096, 8192}, "local"));
    EXPECT_FALSE(checkFits(c, std::vector<std::uint64_t>{4096, 4096}, "local"));
}

}  // namespace
}  // namespace mc::bench
