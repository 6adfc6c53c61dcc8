#include "mount/fuse_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mount/fixture.h"

namespace mc::mount {
namespace {

using testing::HasSubstr;

TEST_F(ServedFile, AppearsUnderItsNameWithItsSize) {
    use();
    FuseDirectory directory({.directory = "/mnt", .source = "node1"}, *remote_);
    const std::uint64_t inode = directory.find(file().name);
    ASSERT_NE(inode, 0);
    EXPECT_EQ(directory.file(inode), &file());
    struct stat facts{};
    ASSERT_TRUE(directory.describe(inode, facts));
    EXPECT_EQ(facts.st_size, kSize);
    EXPECT_EQ(facts.st_mode, S_IFREG | 0600U);
    EXPECT_EQ(facts.st_blocks, kSize / 512);
    ASSERT_TRUE(directory.describe(FuseDirectory::kRoot, facts));
    EXPECT_EQ(facts.st_mode, S_IFDIR | 0555U);
    EXPECT_EQ(directory.find("none"), 0);
    EXPECT_FALSE(directory.describe(inode + 1, facts));
    EXPECT_EQ(directory.file(FuseDirectory::kRoot), nullptr);
    EXPECT_EQ(directory.size(), kSize);
}

TEST_F(ServedFile, HasTheRightsThatAreAskedFor) {
    use();
    struct stat facts{};
    const auto mode = [&](bool read_only, bool allow_other) {
        const FuseDirectory directory(
            {.directory = "/mnt", .source = "node1", .read_only = read_only, .allow_other = allow_other}, *remote_);
        EXPECT_TRUE(directory.describe(directory.find(file().name), facts));
        return facts.st_mode & 0777U;
    };
    EXPECT_EQ(mode(true, false), 0400U);
    EXPECT_EQ(mode(false, true), 0666U);
    EXPECT_EQ(mode(true, true), 0444U);
}

TEST_F(ServedFile, CanNotBeWrittenWhereItsTargetDoesNotLetIt) {
    target_.reset();
    serve(true);
    use();
    struct stat facts{};
    for (const bool allow_other : {false, true}) {
        const FuseDirectory directory({.directory = "/mnt", .source = "node1", .allow_other = allow_other}, *remote_);
        ASSERT_TRUE(directory.describe(directory.find(file().name), facts));
        EXPECT_EQ(facts.st_mode & 0777U, allow_other ? 0444U : 0400U);
    }
}

TEST_F(ServedFile, TellsItsStateInAFileThatStaysAsItWasOpened) {
    use();
    FuseDirectory directory({.directory = "/mnt", .source = "node1"}, *remote_);
    EXPECT_EQ(directory.find(kStatusFileName), FuseDirectory::kStatus);
    const std::uint64_t handle = directory.openStatus();
    ASSERT_EQ(remote_->read(file(), 0, data()), 0);
    EXPECT_THAT(directory.status(handle), HasSubstr("\"bytes_read\":0"));
    EXPECT_THAT(directory.status(directory.openStatus()), HasSubstr("\"bytes_read\":1048576"));
    directory.closeStatus(handle);
    EXPECT_EQ(directory.status(handle), "");
}

}  // namespace
}  // namespace mc::mount
