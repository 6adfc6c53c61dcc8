#include "io/memory_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "io/available_memory.h"
#include "temporary.h"

namespace mc::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

class Nodes : public testing::Test {
  protected:
    ~Nodes() override { std::filesystem::remove_all(root); }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((root / name).parent_path());
        std::ofstream(root / name) << text;
    }
    const std::filesystem::path root = test::temporaryPath("nodes");
};

TEST_F(Nodes, AreThoseThatHaveCpus) {
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

TEST_F(Nodes, AreOneWhereTheKernelTellsNothing) {
    const auto nodes = numaNodes(root / "missing");
    ASSERT_EQ(nodes.size(), 1);
    EXPECT_EQ(nodes[0].id, 0);
}

TEST(MemoryBuffer, IsZeroedAndKnowsItsPages) {
    const auto buffer = Buffer::allocate(100'000, {.nodes = {{0, {0}}}, .huge_pages = HugePages::Never});
    ASSERT_TRUE(buffer) << buffer.error().message;
    EXPECT_EQ(buffer->location(), "cpu:0");
    EXPECT_EQ(buffer->memory().size(), 100'000);
    EXPECT_EQ(buffer->pageSize(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    EXPECT_FALSE(buffer->transparent());
    EXPECT_FALSE(buffer->locked());
    EXPECT_TRUE(std::ranges::all_of(buffer->memory(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(MemoryBuffer, OverSeveralNodesHasNoSingleLocation) {
    const auto buffer = Buffer::allocate(8192, {.nodes = {{0, {}}, {1, {}}}});
    ASSERT_TRUE(buffer) << buffer.error().message;
    EXPECT_EQ(buffer->location(), "*");
}

TEST(MemoryBuffer, IsBoundToANodeThatIsThere) {
    const auto buffer = Buffer::allocate(1 << 20, {.nodes = {numaNodes().front()}, .bind = true});
    ASSERT_TRUE(buffer) << buffer.error().message;
    EXPECT_EQ(buffer->memory().size(), 1 << 20);
}

TEST(MemoryBuffer, IsNotBoundToANodeThatIsNot) {
    const auto buffer = Buffer::allocate(4096, {.nodes = {{2000, {}}}, .bind = true});
    ASSERT_FALSE(buffer);
    EXPECT_THAT(buffer.error().message, HasSubstr("place 4KiB on NUMA node 2000: Invalid argument"));
}

TEST(MemoryBuffer, StaysWhereItIsWhenMoved) {
    auto buffer = Buffer::allocate(4096, {});
    ASSERT_TRUE(buffer);
    const auto* where = buffer->memory().data();
    const Buffer other = std::move(*buffer);
    EXPECT_EQ(other.memory().data(), where);
    EXPECT_TRUE(buffer->memory().empty());  // NOLINT(bugprone-use-after-move): that is asked
}

TEST(MemoryBuffer, OfNothingOrTooMuchIsAnErrorWithTheSize) {
    EXPECT_EQ(Buffer::allocate(0, {}).error().code, ErrorCode::InvalidArgument);
    const auto huge = Buffer::allocate(1ULL << 62, {});
    ASSERT_FALSE(huge);
    EXPECT_THAT(huge.error().message, HasSubstr("allocate 4194304TiB on NUMA node 0: Cannot allocate memory"));
    // The kernel would promise this much, and then kill somebody for it.
    const auto available = availableMemory();
    ASSERT_TRUE(available);
    const auto more = Buffer::allocate(*available + (64ULL << 30), {});
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, ErrorCode::System);
    EXPECT_THAT(more.error().message, HasSubstr("MiB of memory are available"));
}

TEST(MemoryBuffer, InExplicitPagesHasAMultipleOfTheirSize) {
    const auto buffer = Buffer::allocate((2 << 20) + 4096, {.huge_pages = HugePages::TwoMiB});
    ASSERT_FALSE(buffer);
    EXPECT_EQ(buffer.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(buffer.error().hint, "ask for 4MiB");
}

TEST(MemoryBuffer, InExplicitPagesThatAreNotFreeNamesTheSysctl) {
    const std::uint64_t size = freeHugePages(2 << 20).value_or(0) + (2 << 20);
    const auto buffer = Buffer::allocate(size, {.huge_pages = HugePages::TwoMiB});
    if (buffer) GTEST_SKIP() << "the machine overcommits huge pages";
    EXPECT_EQ(buffer.error().code, ErrorCode::System);
    EXPECT_THAT(buffer.error().message + buffer.error().hint,
                testing::AnyOf(HasSubstr("sysctl vm.nr_hugepages="), HasSubstr("has no such pages")));
    // Without being asked for, they are no condition.
    const auto automatic = Buffer::allocate(size, {.huge_pages = HugePages::Auto});
    ASSERT_TRUE(automatic) << automatic.error().message;
    EXPECT_EQ(automatic->pageSize(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace
}  // namespace mc::io
