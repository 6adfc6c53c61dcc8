#include "io/block_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "block_harness.h"

namespace mc::io {
namespace {

using Kind = BlockRequest::Kind;
using test::AlignedMemory;
using test::BlockHarness;
using test::patternOf;
using test::TemporaryFile;

constexpr std::size_t kSize = 256 << 10;

TEST(BlockQueue, ReadsAndWritesABufferedFile) {
    const TemporaryFile file("buffered", kSize);
    const auto device = openFileDevice(file.path, {});
    ASSERT_TRUE(device) << device.error().message;
    BlockHarness harness;
    ASSERT_TRUE(harness) << harness.error->message;
    AlignedMemory memory(8192);
    ASSERT_EQ(harness.read(**device, 12'345, memory.span()), 0);
    EXPECT_TRUE(std::ranges::equal(memory.span(), std::span(file.content).subspan(12'345, 8192)));
    AlignedMemory other(patternOf(8192, 7));
    ASSERT_EQ(harness.write(**device, 4096, other.span()), 0);
    ASSERT_EQ(harness.read(**device, 4096, memory.span()), 0);
    EXPECT_TRUE(std::ranges::equal(memory.span(), other.span()));
    EXPECT_EQ(harness.queue().inFlight(), 0);
}

}  // namespace
}  // namespace mc::io
