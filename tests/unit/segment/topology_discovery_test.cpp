#include <gtest/gtest.h>

#include <fstream>

#include "segment/topology.h"

namespace mc {
namespace {

namespace fs = std::filesystem;

// A tree like the kernel's under /sys, for one test.
class Discovery : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "/sysfs-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    void TearDown() override { fs::remove_all(root_); }

    void addNode(const std::string& name) { fs::create_directories(root_ / "devices/system/node" / name); }
    void addNic(const std::string& name, const std::string& numa_node) {
        // The class holds links to the devices, which hold links to the PCI functions.
        const fs::path pci = root_ / "devices/pci" / name;
        const fs::path device = pci / "infiniband" / name;
        fs::create_directories(device);
        fs::create_directory_symlink(pci, device / "device");
        if (!numa_node.empty()) std::ofstream(pci / "numa_node") << numa_node << "\n";
        fs::create_directories(root_ / "class/infiniband");
        fs::create_directory_symlink(device, root_ / "class/infiniband" / name);
    }

    fs::path root_;
};

TEST_F(Discovery, DevicesOfTheSameNodeArePreferredOthersAvailable) {
    addNode("node0");
    addNode("node1");
    addNode("power");
    addNic("mlx5_1", "1");
    addNic("mlx5_0", "0");
    addNic("mlx5_2", "1");
    EXPECT_EQ(discoverPriorityMatrix(root_), (PriorityMatrix{{"cpu:0", {{"mlx5_0"}, {"mlx5_1", "mlx5_2"}}},
                                                             {"cpu:1", {{"mlx5_1", "mlx5_2"}, {"mlx5_0"}}}}));
}

TEST_F(Discovery, DevicesOfAnUnknownNodeAreAvailable) {
    addNode("node0");
    addNic("rxe0", "-1");
    addNic("rxe1", "");
    EXPECT_EQ(discoverPriorityMatrix(root_), (PriorityMatrix{{"cpu:0", {{}, {"rxe0", "rxe1"}}}}));
}

TEST_F(Discovery, WithoutDevicesTheListsAreEmpty) {
    addNode("node0");
    addNode("node12");
    EXPECT_EQ(discoverPriorityMatrix(root_), (PriorityMatrix{{"cpu:0", {}}, {"cpu:12", {}}}));
}

TEST_F(Discovery, WithoutNodesThereIsOneLocation) {
    EXPECT_EQ(discoverPriorityMatrix(root_), (PriorityMatrix{{"cpu:0", {}}}));
}

}  // namespace
}  // namespace mc
