#include "mount/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mc::mount {
namespace {

using testing::SizeIs;

constexpr const char* kText =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n"
    "42 27 0:39 / /mnt/a\\040b\\134c rw,nosuid - fuse.mc-mount node1 rw,user_id=0\n"
    "43 27 0:40 / /mnt2 rw - fuse.sshfs host: rw\n"
    "44 too short\n"
    "45 27 0:41 / /mnt/x rw shared:1\n";

TEST(MountTable, LinesAreRead) {
    const auto mounts = parseMountInfo(kText);
    ASSERT_THAT(mounts, SizeIs(4));
    EXPECT_EQ(mounts[1].directory, "/mnt2");
    EXPECT_EQ(mounts[1].type, "ext3");
    EXPECT_EQ(mounts[1].source, "/dev/root");
    EXPECT_EQ(mounts[2].directory, "/mnt/a b\\c");
    EXPECT_EQ(mounts[2].device, "0:39");
    EXPECT_TRUE(mounts[2].isOurs());
    EXPECT_FALSE(mounts[3].isOurs());
}

TEST(MountTable, OfSeveralMountsAtOnePlaceTheLastIsSeen) {
    const auto mounts = parseMountInfo(kText);
    EXPECT_EQ(mountAt(mounts, "/mnt2")->type, "fuse.sshfs");
    EXPECT_FALSE(mountAt(mounts, "/mnt"));
}

TEST(MountTable, ThisProcessHasMounts) {
    const auto mounts = mountPoints();
    ASSERT_TRUE(mounts);
    EXPECT_TRUE(mountAt(*mounts, "/proc"));
}

}  // namespace
}  // namespace mc::mount
