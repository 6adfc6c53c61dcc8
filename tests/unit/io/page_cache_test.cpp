#include "io/page_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"
#include "block_harness.h"

namespace mc::io {
namespace {

using test::PatternFile;

TEST(PageCache, TellsWhatIsInIt) {
    const PatternFile path("page-cache", 1 << 20);
    const FileDescriptor file(::open(path.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!inPageCache(file.get(), 0, 1)) GTEST_SKIP() << "this kernel does not tell";
    EXPECT_EQ(inPageCache(file.get(), 0, 1 << 20), true);
    EXPECT_EQ(inPageCache(file.get(), 4095, 2), true);
    EXPECT_EQ(inPageCache(file.get(), 0, 64 << 20), false) << "beyond the end there is nothing";
}

TEST(PageCache, IsSentFromWhereItHasAll) {
    const PatternFile path("sendable", 1 << 20);
    const auto device = openFileDevice(path.path, {});
    ASSERT_TRUE(device);
    const int file = (*device)->sendableFrom(0, 1 << 20);
    if (file < 0) GTEST_SKIP() << "this kernel does not tell what is in its cache";
    EXPECT_EQ(file, (*device)->descriptor());
    ASSERT_EQ(::truncate(path.path.c_str(), 4096), 0);
    EXPECT_EQ((*device)->sendableFrom(0, 8192), -1);
    EXPECT_EQ((*device)->sendableFrom(0, 4096), file);
}

TEST(PageCache, IsPassedByWithDirectDevicesAndMemory) {
    const PatternFile path("unsendable", 1 << 20);
    const auto direct = openFileDevice(path.path, {.direct = true});
    if (direct) {
        EXPECT_EQ((*direct)->sendableFrom(0, 4096), -1);
    }
    const auto memory = makeMemoryDevice("memory", 1 << 20);
    ASSERT_TRUE(memory);
    EXPECT_EQ((*memory)->sendableFrom(0, 4096), -1);
}

}  // namespace
}  // namespace mc::io
