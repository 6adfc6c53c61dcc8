#include <nvme/types.h>

#include <algorithm>

#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::HostDigests;
using test::pattern;
using test::TestHost;

/// With every combination of digests.
class NvmeTargetQueues : public test::TargetFixture, public ::testing::WithParamInterface<int> {
  protected:
    static HostDigests digests() { return {.header = (GetParam() & 1) != 0, .data = (GetParam() & 2) != 0}; }
};

INSTANTIATE_TEST_SUITE_P(Digests, NvmeTargetQueues, ::testing::Range(0, 4));

TEST_P(NvmeTargetQueues, ReadAndWriteMemory) {
    start();
    const auto memory = addMemory(1);
    TestHost admin = connectAdmin({}, digests());
    TestHost queue = connectQueue(1, digests());

    const Bytes small = pattern(4096, 1);
    EXPECT_EQ(queue.runInCapsule(transfer(nvme_cmd_write, 3, 1), small).status(), 0);
    EXPECT_TRUE(std::ranges::equal(memory.subspan(3 * 4096, small.size()), small));

    const Bytes large = pattern(1 << 20, 2);
    EXPECT_EQ(queue.runAsked(transfer(nvme_cmd_write, 256, 256), large).status(), 0);
    EXPECT_TRUE(std::ranges::equal(memory.subspan(1 << 20, large.size()), large));

    const auto read = queue.run(transfer(nvme_cmd_read, 256, 256), 1 << 20);
    EXPECT_EQ(read.status(), 0);
    EXPECT_EQ(read.data, large);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 3, 1), 4096).data, small);
    EXPECT_EQ(target_->counters().bytes_read, (1U << 20U) + 4096U);
    EXPECT_EQ(target_->counters().bytes_written, (1U << 20U) + 4096U);
}

TEST_P(NvmeTargetQueues, DataInManyPdus) {
    start();
    const auto memory = addMemory(1);
    TestHost admin = connectAdmin({}, digests());
    TestHost queue = connectQueue(1, digests());
    const Bytes data = pattern(256 << 10, 3);
    EXPECT_EQ(queue.runAsked(transfer(nvme_cmd_write, 0, 64), data, 1000).status(), 0);
    EXPECT_TRUE(std::ranges::equal(memory.first(data.size()), data));
}

}  // namespace
}  // namespace mc::nvme
