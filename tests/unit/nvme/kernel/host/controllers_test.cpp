#include <sys/sysmacros.h>

#include "nvme/kernel/host/fixture.h"

namespace mc::nvme::kernel {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using Controllers = test::KernelTree;

TEST_F(Controllers, AreReadAsTheKernelShowsThem) {
    addController("nvme10", {.transport = "rdma", .address = "traddr=fe80:0::1%eth0,trsvcid=4421,host_iface=eth0"});
    addController("nvme2", {.state = "connecting"});
    const auto all = listControllers(paths());
    ASSERT_THAT(all, ElementsAre(Field(&ControllerEntry::name, "nvme2"), Field(&ControllerEntry::name, "nvme10")));
    EXPECT_EQ(all[0].transport, "tcp");
    EXPECT_EQ(all[0].traddr, "127.0.0.1");
    EXPECT_EQ(all[0].trsvcid, "4420");
    EXPECT_EQ(all[0].subsystem_nqn, test::kNqn);
    EXPECT_EQ(all[0].host_nqn, test::kHostNqn);
    EXPECT_EQ(all[0].state, "connecting");
    EXPECT_EQ(all[1].traddr, "fe80::1%eth0");
    EXPECT_EQ(all[1].trsvcid, "4421");
    EXPECT_NE(all[0].identity, all[1].identity);
}

TEST_F(Controllers, OfAMachineWithoutThemAreNone) {
    EXPECT_THAT(listControllers(paths()), IsEmpty());
    fs::remove_all(root_ / "sys");
    EXPECT_THAT(listControllers(paths()), IsEmpty());
    EXPECT_FALSE(readController(paths(), "nvme0"));
    EXPECT_THAT(listNamespaces(paths(), "nvme0"), IsEmpty());
}

TEST_F(Controllers, OfAnotherKindHaveNoAddress) {
    write("sys/class/nvme/nvme0/transport", "pcie\n");
    write("sys/class/nvme/nvme0/address", "0000:01:00.0\n");
    const auto entry = readController(paths(), "nvme0");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->transport, "pcie");
    EXPECT_EQ(entry->traddr, "");
    EXPECT_TRUE(entry->isGoing());
}

TEST_F(Controllers, NamespacesAreKnownByTheDeviceAboveTheirPaths) {
    addController("nvme1", {});
    addNamespace("nvme1", "nvme0c1n2", "nvme0n2", 7, 2);
    addNamespace("nvme1", "nvme1n1", "nvme1n1", 1, 1);
    for (const char* other : {"nvme1", "nvme0c1", "nvmec1n1", "nvme0n1p1", "nvme0cn1", "power", "hwmon0"})
        write(std::string("sys/class/nvme/nvme1/") + other + "/nsid", "9\n");
    write("sys/class/nvme/nvme1/nvme1n3/nsid", "many\n");
    write("sys/class/block/nvme0n2/ro", "1\n");
    write("sys/class/block/nvme0n2/queue/logical_block_size", "4096\n");
    const auto all = listNamespaces(paths(), "nvme1");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].device, "nvme1n1");
    EXPECT_EQ(all[1].nsid, 7U);
    EXPECT_EQ(all[1].device, "nvme0n2");
    EXPECT_EQ(all[1].path, root_ / "dev/nvme0n2");
    EXPECT_EQ(all[1].size, 2U << 20U);
    EXPECT_EQ(all[1].block_size, 4096U);
    EXPECT_EQ(all[1].number, ::makedev(259, 3));
    EXPECT_TRUE(all[1].read_only);
}

TEST_F(Controllers, AttributesAreWrittenToThatVeryController) {
    addController("nvme1", {});
    const auto entry = readController(paths(), "nvme1");
    ASSERT_TRUE(trigger(paths(), *entry, "rescan_controller"));
    EXPECT_EQ(content("sys/class/nvme/nvme1/rescan_controller"), "1");
    fs::rename(root_ / "sys/class/nvme/nvme1", root_ / "sys/class/nvme/nvme3");  // Keeps its inode.
    addController("nvme1", {});
    const auto refused = trigger(paths(), *entry, "delete_controller");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
    EXPECT_EQ(content("sys/class/nvme/nvme1/delete_controller"), "");
}

}  // namespace
}  // namespace mc::nvme::kernel
