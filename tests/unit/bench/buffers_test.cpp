#include "bench/buffers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary.h"

namespace mc::bench {
namespace {

using testing::HasSubstr;

TEST(Buffers, AreOneOnEachNode) {
    const std::vector<io::NumaNode> nodes{{0, {}}, {3, {0}}};
    const auto buffers = allocateBuffers(100'000, nodes);
    ASSERT_TRUE(buffers) << buffers.error().message;
    ASSERT_EQ(buffers->size(), 2);
    EXPECT_EQ((*buffers)[0].location(), "cpu:0");
    EXPECT_EQ((*buffers)[1].location(), "cpu:3");
    EXPECT_EQ((*buffers)[1].memory().size(), 100'000);
}

TEST(Buffers, SayHowMuchThereIsWhenTooMuchIsAsked) {
    const std::filesystem::path root = test::temporaryPath("proc");
    std::filesystem::create_directories(root);
    std::ofstream(root / "meminfo") << "MemTotal: 4194304 kB\nMemFree: 10 kB\nMemAvailable:    2097152 kB\n";
    const std::vector<io::NumaNode> nodes{{0, {}}, {1, {}}};
    const auto buffers = allocateBuffers((1ULL << 30) + 1, nodes, {.proc = root, .sys = root});
    std::filesystem::remove_all(root);
    ASSERT_FALSE(buffers);
    EXPECT_EQ(buffers.error().code, ErrorCode::System);
    EXPECT_THAT(buffers.error().message, HasSubstr("2 x 1073741825: only 2048 MiB"));
    EXPECT_THAT(buffers.error().hint, HasSubstr("--buffer_size"));
}

TEST(Buffers, HaveASize) {
    EXPECT_EQ(allocateBuffers(0, std::vector<io::NumaNode>{{}}).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace mc::bench
