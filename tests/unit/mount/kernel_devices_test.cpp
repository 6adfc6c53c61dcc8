#include "mount/kernel_devices.h"

#include "nvme/kernel/host/fixture.h"

namespace mc::mount {
namespace {

namespace fs = std::filesystem;
using nvme::kernel::KernelHost;
using nvme::kernel::test::kHostNqn;
using nvme::kernel::test::kNqn;
using nvme::kernel::test::soon;
using testing::ElementsAre;
using testing::HasSubstr;

class KernelDevicesOfAMount : public nvme::kernel::test::KernelTree {
  protected:
    void SetUp() override {
        KernelTree::SetUp();
        options_.self.nqn = kHostNqn;
    }
    /// The kernel finds two namespaces.
    KernelHost host() {
        return KernelHost(paths(), [this](const nvme::kernel::ConnectRequest& request) {
            addNamespace("nvme7", "nvme7n1", "nvme7n1", 1, 1);
            addNamespace("nvme7", "nvme7n2", "nvme7n2", 2, 1);
            return connects()(request);
        });
    }
    Result<KernelDevices> connect(const KernelHost& host, const std::vector<MountedFile>& files,
                                  std::chrono::milliseconds timeout) const {
        const NvmeTransportId target{
            .trtype = "RDMA", .adrfam = "ipv6", .traddr = "::1", .trsvcid = "4420", .subnqn = kNqn};
        return connectDevices(host, target, files, {.directory = "/mnt/a", .options = options_, .timeout = timeout},
                              soon());
    }
    static std::vector<MountedFile> files(std::initializer_list<FileBufferID> ids) {
        std::vector<MountedFile> files;
        for (const FileBufferID id : ids)
            files.push_back({.name = {}, .path = {}, .number = id, .size = 1 << 20, .file_id = id, .offset = 0});
        return files;
    }
    std::string deleted() const { return content("sys/class/nvme/nvme7/delete_controller"); }

    NvmeofOptions options_;
};

TEST_F(KernelDevicesOfAMount, FailInTimeAndStay) {
    const KernelHost kernel = host();
    const auto found = connect(kernel, files({2, 1}), std::chrono::milliseconds(2500));
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->controller, "nvme7");
    EXPECT_THAT(found->devices, ElementsAre(root_ / "dev/nvme7n2", root_ / "dev/nvme7n1"));
    ASSERT_EQ(requests_.size(), 1U);
    EXPECT_EQ(requests_[0].transport, "rdma");
    EXPECT_EQ(requests_[0].traddr, "::1");
    EXPECT_EQ(requests_[0].options.fail_timeout, std::chrono::milliseconds(2500));
    EXPECT_FALSE(requests_[0].options.loss_timeout);
    ASSERT_TRUE(letGoDevices(kernel, "/mnt/a", nvme::kernel::InUse::Stays, soon()));
    EXPECT_EQ(deleted(), "1");
    EXPECT_TRUE(letGoDevices(kernel, "/mnt/a", nvme::kernel::InUse::Stays, soon())) << "there is none to let go";
}

TEST_F(KernelDevicesOfAMount, WaitForEverWhereThereIsNoLimit) {
    ASSERT_TRUE(connect(host(), files({1}), std::chrono::milliseconds(0)));
    EXPECT_FALSE(requests_.at(0).options.fail_timeout);
}

TEST_F(KernelDevicesOfAMount, AreAllThereOrNotHeld) {
    const auto found = connect(host(), files({1, 3}), std::chrono::seconds(30));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::NotFound);
    EXPECT_THAT(found.error().message, HasSubstr("file 3: namespace 3 of"));
    EXPECT_EQ(deleted(), "1");
    EXPECT_TRUE(fs::is_empty(paths().run));
}

TEST_F(KernelDevicesOfAMount, AreKnownByTheirNamespaces) {
    const KernelHost kernel = host();
    write("sys/class/block/nvme7n2/wwid", "uuid.44444444-2222-3333-4444-555555555555\n");
    const auto found = connect(kernel, files({2, 1}), std::chrono::seconds(30));
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->identities, ElementsAre("uuid.44444444-2222-3333-4444-555555555555", ""));
    const std::string link = root_ / "link";
    fs::create_symlink("/dev/nvme7n2", link);
    EXPECT_FALSE(isAnothers(paths(), "/dev/nvme7n2", found->identities[0]));
    EXPECT_FALSE(isAnothers(paths(), link, found->identities[0]));
    write("sys/class/block/nvme7n2/wwid", "eui.0123456789abcdef\n");
    EXPECT_TRUE(isAnothers(paths(), "/dev/nvme7n2", found->identities[0]));
    EXPECT_TRUE(isAnothers(paths(), link, found->identities[0]));
    EXPECT_FALSE(isAnothers(paths(), "/dev/nvme7n2", "")) << "an entry of an earlier version";
    EXPECT_FALSE(isAnothers(paths(), "/dev/nvme7n3", found->identities[0])) << "it has gone";
}

TEST_F(KernelDevicesOfAMount, TellThatTheirTargetIsGone) {
    const KernelHost kernel = host();
    ASSERT_TRUE(connect(kernel, files({1}), std::chrono::seconds(30)));
    EXPECT_EQ(controllerProblem(kernel, "nvme7"), "");
    write("sys/class/nvme/nvme7/state", "connecting\n");
    EXPECT_EQ(controllerProblem(kernel, "nvme7"),
              "controller nvme7 is connecting, not live: the target does not answer");
    removeController("nvme7");
    EXPECT_EQ(controllerProblem(kernel, "nvme7"), "controller nvme7 has gone");
}

}  // namespace
}  // namespace mc::mount
