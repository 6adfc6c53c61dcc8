#include "nvme/kernel/host/kernel_host.h"

#include <sys/fsuid.h>

#include <thread>

#include "io/socket.h"
#include "nvme/kernel/host/fixture.h"

namespace mc::nvme::kernel {
namespace {

using test::asHost;
using test::kHostNqn;
using test::rdmaTarget;
using test::soon;
using test::tcpTarget;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KernelHosts : public test::KernelTree {
  protected:
    std::string deletedOf(const std::string& name) const {
        return content("sys/class/nvme/" + name + "/delete_controller");
    }
    const Holder own_ = Holder::process(1);
};

TEST_F(KernelHosts, AreAskedWithAllThatIsConfigured) {
    const KernelHost host(paths(), connects());
    KernelHostOptions options = asHost();
    options.key = "DHHC-1:00:a:";
    options.loss_timeout = std::nullopt;
    const auto controller = host.connect(rdmaTarget("::1"), options, own_, soon());
    ASSERT_TRUE(controller) << controller.error().message;
    EXPECT_TRUE(controller->ours);
    ASSERT_EQ(requests_.size(), 1U);
    EXPECT_EQ(requests_[0].transport, "rdma");
    EXPECT_EQ(requests_[0].traddr, "::1");
    EXPECT_EQ(requests_[0].trsvcid, "4420");
    EXPECT_EQ(requests_[0].subsystem_nqn, test::kNqn);
    EXPECT_EQ(requests_[0].options.host_nqn, kHostNqn);
    EXPECT_EQ(requests_[0].options.host_id, "5c3e0c1a-0000-4000-8000-000000000001");
    EXPECT_EQ(requests_[0].options.key, "DHHC-1:00:a:");
    EXPECT_FALSE(requests_[0].options.loss_timeout);
}

TEST_F(KernelHosts, TheIdThatTheKernelHasForAHostIsKept) {
    write("etc/hostnqn", "nqn.2016-06.io.mc:named\n");
    write("etc/hostid", "6d63746f-6f6c-4b69-8000-000000000001\n");
    const KernelHost host(paths(), connects());
    KernelHostOptions options;
    options.host_nqn = "nqn.2016-06.io.mc:named";
    ASSERT_TRUE(host.connect(rdmaTarget(), options, own_, soon()));
    EXPECT_EQ(requests_[0].options.host_id, "6d63746f-6f6c-4b69-8000-000000000001");
    removeController("nvme7");
    addController("nvme1", {.nqn = "nqn.2016-06.io.mc:another", .host_nqn = "nqn.2016-06.io.mc:named"});
    ASSERT_TRUE(host.connect(rdmaTarget(), options, own_, soon()));
    EXPECT_EQ(requests_[1].options.host_id, "5c3e0c1a-0000-4000-8000-000000000001");
}

TEST_F(KernelHosts, ConnectOnceHoweverOftenTheyAreAsked) {
    const KernelHost host(paths(), connects());
    const auto first = host.connect(rdmaTarget(), asHost(), own_, soon());
    const auto again = host.connect(rdmaTarget(), asHost(), own_, soon());
    const auto other = host.connect(rdmaTarget(), asHost(), Holder::lasting("/mnt"), soon());
    ASSERT_TRUE(first && again && other);
    EXPECT_TRUE(other->ours);
    EXPECT_EQ(requests_.size(), 1U);
    EXPECT_FALSE(host.disconnect(*first, own_, soon()).value());
    EXPECT_EQ(deletedOf("nvme7"), "");
    EXPECT_TRUE(host.disconnect(*other, Holder::lasting("/mnt"), soon()).value());
    EXPECT_EQ(deletedOf("nvme7"), "1");
    EXPECT_FALSE(host.disconnect(*other, Holder::lasting("/mnt"), soon()).value());
}

TEST_F(KernelHosts, WhatOthersHaveConnectedIsUsedAndLeftAlone) {
    addController("nvme3", {});
    const KernelHost host(paths(), connectsNever());
    const auto controller = host.connect(tcpTarget(), asHost(), own_, soon());
    ASSERT_TRUE(controller) << controller.error().message;
    EXPECT_EQ(controller->entry.name, "nvme3");
    EXPECT_FALSE(controller->ours);
    EXPECT_FALSE(host.disconnect(*controller, own_, soon()).value());
    EXPECT_THAT(host.reclaim(soon()).value(), IsEmpty());
    EXPECT_EQ(deletedOf("nvme3"), "");
}

TEST_F(KernelHosts, OneThatOthersHaveMadeAnewUnderTheNameOfOursIsLeftAlone) {
    const KernelHost host(paths(), connects());
    const auto controller = host.connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_TRUE(controller);
    fs::rename(root_ / "sys/class/nvme/nvme7", root_ / "old");  // Keeps its inode from being given again.
    addController("nvme7", {.transport = "rdma"});
    EXPECT_FALSE(host.look(*controller));
    EXPECT_FALSE(host.disconnect(*controller, own_, soon()).value());
    const KernelHost later(paths(), connectsNever());
    const auto taken = later.connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_FALSE(taken->ours);
    EXPECT_FALSE(later.disconnect(*taken, own_, soon()).value());
    EXPECT_EQ(deletedOf("nvme7"), "");
}

TEST_F(KernelHosts, AnotherHostsControllerIsNotOurs) {
    addController("nvme3", {.transport = "rdma", .host_nqn = "nqn.2016-06.io.mc:another"});
    addController("nvme4", {.transport = "rdma", .nqn = "nqn.2016-06.io.mc:another"});
    addController("nvme5", {.transport = "rdma", .address = "traddr=127.0.0.1,trsvcid=4421"});
    addController("nvme6", {.transport = "rdma", .state = "deleting (no IO)"});
    addController("nvme8", {.transport = "tcp"});
    const KernelHost host(paths(), connects());
    const auto controller = host.connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_TRUE(controller);
    EXPECT_EQ(controller->entry.name, "nvme7");
}

TEST_F(KernelHosts, WhatAKilledProcessHasLeftIsReclaimed) {
    const KernelHost host(paths(), connects());
    ASSERT_TRUE(host.connect(rdmaTarget(), asHost(), Holder::lasting("/mnt"), soon()));
    ASSERT_TRUE(host.connect(rdmaTarget(), asHost(), Holder("process 1 1 1"), soon()));
    EXPECT_THAT(host.reclaim(soon()).value(), IsEmpty());
    const auto held = host.connect(rdmaTarget(), asHost(), Holder("process 1 1 2"), soon());
    EXPECT_TRUE(host.disconnect(*held, Holder::lasting("/mnt"), soon()).value());
    removeController("nvme7");
    ASSERT_TRUE(host.connect(rdmaTarget(), asHost(), Holder("process 1 1 1"), soon()));
    EXPECT_THAT(host.reclaim(soon()).value(), ElementsAre("nvme7"));
    EXPECT_EQ(deletedOf("nvme7"), "1");
}

TEST_F(KernelHosts, OneThatIsNotLiveInTimeIsAnError) {
    addController("nvme3", {.state = "connecting"});
    const KernelHost host(paths(), connectsNever());
    const auto controller = host.connect(tcpTarget(), asHost(), own_, soon());
    ASSERT_FALSE(controller);
    EXPECT_EQ(controller.error().code, ErrorCode::TimedOut);
    EXPECT_THAT(controller.error().message, HasSubstr("is connecting, not live"));
}

TEST_F(KernelHosts, OneThatIsNotLiveInTimeIsLetGoAlthoughItsTimeIsOver) {
    std::jthread other;
    const KernelHost host(paths(), [&](const ConnectRequest& request) {
        auto name = connects()(request);
        write("sys/class/nvme/nvme7/state", "connecting\n");
        other = std::jthread([this] {  // Has the lock when the time is over, and for a while.
            const auto holdings = Holdings::open(paths().run, SteadyClock::now() + std::chrono::seconds(10));
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
        });
        return name;
    });
    const auto controller = host.connect(rdmaTarget(), asHost(), Holder::lasting("/mnt"), soon());
    ASSERT_FALSE(controller);
    EXPECT_EQ(controller.error().code, ErrorCode::TimedOut);
    EXPECT_EQ(deletedOf("nvme7"), "1");
    EXPECT_TRUE(fs::is_empty(paths().run));
}

TEST_F(KernelHosts, AreLetGoByWhatTheirHolderIsCalled) {
    const KernelHost host(paths(), connects());
    EXPECT_TRUE(host.letGoAll(Holder::lasting("/mnt"), InUse::Stays, soon()));
    EXPECT_FALSE(fs::exists(paths().run)) << "there was nothing to let go";
    ASSERT_TRUE(host.connect(rdmaTarget(), asHost(), Holder::lasting("/mnt"), soon()));
    ASSERT_TRUE(host.connect(rdmaTarget(), asHost(), own_, soon()));
    ASSERT_TRUE(host.letGoAll(Holder::lasting("/mnt2"), InUse::Stays, soon()));
    ASSERT_TRUE(host.letGoAll(Holder::lasting("/mnt"), InUse::Stays, soon()));
    EXPECT_EQ(deletedOf("nvme7"), "") << "this process has it";
    ASSERT_TRUE(host.letGoAll(own_, InUse::Stays, soon()));
    EXPECT_EQ(deletedOf("nvme7"), "1");
    EXPECT_TRUE(fs::is_empty(paths().run));
}

TEST_F(KernelHosts, KeysAreNotForEverybodyToRead) {
    const KernelHost host(paths(), [&](const ConnectRequest& request) {
        write("sys/class/nvme/nvme7/dhchap_secret", request.options.key);
        write("sys/class/nvme/nvme7/dhchap_ctrl_secret", "none");
        return connects()(request);
    });
    KernelHostOptions options = asHost();
    options.key = "DHHC-1:00:a:";
    ASSERT_TRUE(host.connect(rdmaTarget(), options, own_, soon()));
    for (const char* const each : {"dhchap_secret", "dhchap_ctrl_secret"}) {
        EXPECT_EQ(fs::status(root_ / "sys/class/nvme/nvme7" / each).permissions(),
                  fs::perms::owner_read | fs::perms::owner_write);
    }
}

TEST_F(KernelHosts, ATargetThatDoesNotAnswerIsToldAsItIs) {
    const auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 1);
    const std::uint16_t port = io::localAddress(*listener).port();
    const KernelHost host(paths(), connects());
    const auto answered = host.connect(tcpTarget("127.0.0.1", port), asHost(), own_, soon());
    ASSERT_TRUE(answered) << answered.error().message;
    EXPECT_EQ(requests_.size(), 1U);
    const KernelHost never(paths(), connectsNever());
    const auto refused = never.connect(tcpTarget("127.0.0.1", 1), asHost(), own_, soon());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(refused.error().message, "connect to 127.0.0.1:1: Connection refused");
}

TEST_F(KernelHosts, WhatIsMissingIsToldWithWhatMendsIt) {
    const KernelHost host(paths(), connectsNever());
    fs::remove(root_ / "dev/nvme-fabrics");
    const auto without_device = host.connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_FALSE(without_device);
    EXPECT_FALSE(fs::exists(paths().run));
    EXPECT_EQ(without_device.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(without_device.error().hint, "modprobe nvme-rdma, as root");
    const auto without_libnvme = KernelHost(paths(), {}).connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_FALSE(without_libnvme);
    EXPECT_EQ(without_libnvme.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(without_libnvme.error().hint, HasSubstr("MC_LIBNVME"));
    write("dev/nvme-fabrics", "");
    const KernelHost failing(paths(), [](const ConnectRequest&) -> Result<std::string> {
        return std::unexpected(Error{ErrorCode::Unavailable, "refused", {}});
    });
    EXPECT_EQ(failing.connect(rdmaTarget(), asHost(), own_, soon()).error().hint, "modprobe nvme-rdma, as root");
    fs::create_directories(root_ / "sys/module/nvme_rdma");
    EXPECT_EQ(failing.connect(rdmaTarget(), asHost(), own_, soon()).error().message, "refused");
    auto loop = rdmaTarget();
    loop.transport = "loop";
    EXPECT_EQ(host.connect(loop, asHost(), own_, soon()).error().code, ErrorCode::Unsupported);
}

TEST_F(KernelHosts, ThoseWithoutTheRightAreToldSo) {
    constexpr uid_t kNobody = 65534;
    fs::permissions(root_ / "dev/nvme-fabrics", fs::perms::none);
    const int own = ::setfsuid(kNobody);  // For a test that runs as root.
    const auto refused = KernelHost(paths(), connectsNever()).checkRequirements("tcp");
    ::setfsuid(static_cast<uid_t>(own));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(exitCode(refused.error().code), ExitCode::NotPermitted);
    EXPECT_THAT(refused.error().hint, HasSubstr("root"));
}

TEST_F(KernelHosts, OneThatSomebodyElseConnectsMeanwhileIsTaken) {
    const KernelHost host(paths(), [this](const ConnectRequest&) -> Result<std::string> {
        addController("nvme3", {.transport = "rdma"});
        return std::unexpected(Error{ErrorCode::AlreadyExists, "already connected", {}});
    });
    const auto controller = host.connect(rdmaTarget(), asHost(), own_, soon());
    ASSERT_TRUE(controller) << controller.error().message;
    EXPECT_FALSE(controller->ours);
}

TEST_F(KernelHosts, FindANamespaceOnceItsDeviceIsThere) {
    addController("nvme3", {});
    const KernelHost host(paths(), connectsNever());
    const auto controller = host.connect(tcpTarget(), asHost(), own_, soon());
    ASSERT_TRUE(controller);
    addNamespace("nvme3", "nvme0c3n1", "nvme0n1", 5, 1);
    fs::remove(root_ / "dev/nvme0n1");
    const auto without_node = host.findNamespace(*controller, 5, soon());
    ASSERT_FALSE(without_node);
    EXPECT_THAT(without_node.error().message, HasSubstr("nvme0n1 is not there"));
    EXPECT_EQ(content("sys/class/nvme/nvme3/rescan_controller"), "");
    write("dev/nvme0n1", "");
    const auto found = host.findNamespace(*controller, 5, soon());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->device, "nvme0n1");
    const auto missing = host.findNamespace(*controller, 6, soon());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_THAT(missing.error().hint, HasSubstr("it has found 5;"));
    EXPECT_EQ(content("sys/class/nvme/nvme3/rescan_controller"), "1");
    auto real = paths();
    real.device_nodes = true;  // A file that somebody has copied to where the device was.
    EXPECT_FALSE(KernelHost(real, connectsNever()).findNamespace(*controller, 5, soon()));
    removeController("nvme3");
    EXPECT_THAT(host.findNamespace(*controller, 5, soon()).error().message, HasSubstr("has gone"));
}

}  // namespace
}  // namespace mc::nvme::kernel
