#include "bench/buffers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace mc::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BuffersTest : public testing::Test {
  protected:
    BuffersTest() { std::filesystem::create_directories(root); }
    ~BuffersTest() override { std::filesystem::remove_all(root); }

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((root / name).parent_path());
        std::ofstream(root / name) << text;
    }

    const std::filesystem::path root =
        std::filesystem::path(testing::TempDir()) / ("buffers_test_" + std::to_string(::getpid()));
};

TEST(CpuList, ReadsRangesAndSingleNumbers) {
    EXPECT_THAT(parseCpuList("0-3,8,10-11"), ElementsAre(0, 1, 2, 3, 8, 10, 11));
    EXPECT_THAT(parseCpuList("5"), ElementsAre(5));
}

TEST(CpuList, EndsAtWhatIsNoList) {
    EXPECT_THAT(parseCpuList(""), IsEmpty());
    EXPECT_THAT(parseCpuList("x"), IsEmpty());
    EXPECT_THAT(parseCpuList("1,-2"), ElementsAre(1));
    EXPECT_THAT(parseCpuList("1,999999999"), ElementsAre(1));
    EXPECT_THAT(parseCpuList("3-"), IsEmpty());
}

TEST_F(BuffersTest, FindsTheNodesThatHaveCpus) {
    write("node10/cpulist", "4-5\n");
    write("node2/cpulist", "0-3\n");
    write("node3/cpulist", "\n");  // Memory only.
    write("nodes", "unrelated");
    write("possible", "0-3");
    const auto nodes = numaNodes(root);
    ASSERT_EQ(nodes.size(), 2);
    EXPECT_EQ(nodes[0].id, 2);
    EXPECT_THAT(nodes[0].cpus, ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(nodes[1].id, 10);
}

TEST_F(BuffersTest, IsOneNodeWhereTheKernelTellsNothing) {
    const auto nodes = numaNodes(root / "missing");
    ASSERT_EQ(nodes.size(), 1);
    EXPECT_EQ(nodes[0].id, 0);
}

TEST_F(BuffersTest, AllocatesZeroedMemoryOnEachNode) {
    const std::vector<NumaNode> nodes{{0, {}}, {3, {0}}};
    auto buffers = allocateBuffers(100'000, nodes);
    ASSERT_TRUE(buffers) << buffers.error().message;
    ASSERT_EQ(buffers->size(), 2);
    EXPECT_EQ((*buffers)[0].location(), "cpu:0");
    EXPECT_EQ((*buffers)[1].location(), "cpu:3");
    EXPECT_EQ((*buffers)[1].memory().size(), 100'000);
    EXPECT_TRUE(std::ranges::all_of((*buffers)[1].memory(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_F(BuffersTest, MovingLeavesTheMemoryWhereItIs) {
    auto buffer = Buffer::allocate(4096, {});
    ASSERT_TRUE(buffer);
    const auto* where = buffer->memory().data();
    Buffer other = std::move(*buffer);
    EXPECT_EQ(other.memory().data(), where);
    EXPECT_TRUE(buffer->memory().empty());
}

TEST_F(BuffersTest, SaysHowMuchThereIsWhenTooMuchIsAsked) {
    write("meminfo", "MemTotal: 4194304 kB\nMemFree: 10 kB\nMemAvailable:    2097152 kB\n");
    const std::vector<NumaNode> nodes{{0, {}}, {1, {}}};
    const auto buffers = allocateBuffers((1ULL << 30) + 1, nodes, root / "meminfo");
    ASSERT_FALSE(buffers);
    EXPECT_EQ(buffers.error().code, ErrorCode::System);
    EXPECT_THAT(buffers.error().message, HasSubstr("2 x 1073741825: only 2048 MiB"));
    EXPECT_THAT(buffers.error().hint, HasSubstr("--buffer_size"));
}

TEST_F(BuffersTest, FailsWithTheSizeWhenTheKernelRefuses) {
    const auto buffer = Buffer::allocate(1ULL << 62, {});
    ASSERT_FALSE(buffer);
    EXPECT_THAT(buffer.error().message, HasSubstr("allocate 4194304TiB on NUMA node 0: Cannot allocate memory"));
    EXPECT_EQ(allocateBuffers(0, std::vector<NumaNode>{{}}).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace mc::bench
