#include "io/available_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary.h"

namespace mc::io {
namespace {

class AvailableMemory : public testing::Test {
  protected:
    ~AvailableMemory() override { std::filesystem::remove_all(root); }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((root / name).parent_path());
        std::ofstream(root / name) << text;
    }
    const std::filesystem::path root = test::temporaryPath("files");
    const MemoryFiles files{.proc = root / "proc", .sys = root / "sys"};
};

TEST_F(AvailableMemory, IsWhatTheMachineHas) {
    write("proc/meminfo", "MemTotal:  4096 kB\nMemFree: 10 kB\nMemAvailable:   2048 kB\nHugePages_Free: 3\n");
    EXPECT_EQ(availableMemory(files), 2048 * 1024);
}

TEST_F(AvailableMemory, IsUnknownWhereTheKernelTellsNothing) {
    EXPECT_EQ(availableMemory(files), std::nullopt);
    EXPECT_EQ(availableMemoryOn(0, files), std::nullopt);
    EXPECT_EQ(freeHugePages(2 << 20, files), std::nullopt);
}

TEST_F(AvailableMemory, IsWithinTheTightestGroupOfVersion2) {
    write("proc/meminfo", "MemAvailable: 2048 kB\n");
    write("proc/self/cgroup", "0::/kube/pod\n");
    write("sys/fs/cgroup/kube/pod/memory.max", "max\n");
    write("sys/fs/cgroup/kube/pod/memory.current", "1000\n");
    write("sys/fs/cgroup/kube/memory.max", "100000\n");
    write("sys/fs/cgroup/kube/memory.current", "60000\n");
    write("sys/fs/cgroup/kube/memory.stat", "anon 1\ninactive_file 20000\nactive_file 5000\n");
    EXPECT_EQ(availableMemory(files), 65000);
}

TEST_F(AvailableMemory, IsWithinTheGroupOfVersion1) {
    write("proc/meminfo", "MemAvailable: 2048 kB\n");
    write("proc/self/cgroup", "5:devices:/x\n4:memory:/box\n0::/\n");
    write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "50000\n");
    write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "60000\n");
    write("sys/fs/cgroup/memory/box/memory.stat", "cache 7\ntotal_inactive_file 20000\n");
    EXPECT_EQ(availableMemory(files), 10000);
    write("sys/fs/cgroup/memory/box/memory.stat", "");
    EXPECT_EQ(availableMemory(files), 0);
}

TEST_F(AvailableMemory, OfANodeIsFreeOrCache) {
    write("sys/devices/system/node/node3/meminfo",
          "Node 3 MemTotal:  9000 kB\nNode 3 MemFree:  100 kB\nNode 3 FilePages:  50 kB\nNode 3 Shmem:  20 kB\n");
    EXPECT_EQ(availableMemoryOn(3, files), 130 * 1024);
}

TEST_F(AvailableMemory, OfHugePagesIsWhatIsNotReserved) {
    write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "5\n");
    write("sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "2\n");
    EXPECT_EQ(freeHugePages(2 << 20, files), 3 * (2 << 20));
}

}  // namespace
}  // namespace mc::io
