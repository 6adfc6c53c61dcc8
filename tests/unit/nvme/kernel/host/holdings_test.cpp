#include "nvme/kernel/host/holdings.h"

#include <sys/wait.h>
#include <unistd.h>

#include "nvme/kernel/host/fixture.h"

namespace mc::nvme::kernel {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class HoldingsOfAUser : public test::KernelTree {
  protected:
    Result<Holdings> open() const { return Holdings::open(paths().run, test::soon()); }
};

TEST_F(HoldingsOfAUser, AreThereForTheNextProcess) {
    addController("nvme1", {});
    const auto entry = readController(paths(), "nvme1").value();
    {
        auto holdings = open();
        ASSERT_TRUE(holdings) << holdings.error().message;
        EXPECT_EQ(holdings->find(entry), nullptr);
        ASSERT_TRUE(holdings->put({entry.name, entry.identity, {Holder::lasting("a"), Holder::process(1)}}));
        ASSERT_TRUE(holdings->put({entry.name, entry.identity, {Holder::lasting("/mnt/a b"), Holder::process(1)}}));
    }
    auto holdings = open();
    ASSERT_NE(holdings->find(entry), nullptr);
    EXPECT_THAT(holdings->find(entry)->holders, ElementsAre(Holder::lasting("/mnt/a b"), Holder::process(1)));
    auto another = entry;
    ++another.identity;
    EXPECT_EQ(holdings->find(another), nullptr);
    holdings->remove("nvme1");
    EXPECT_THAT(holdings->all(), IsEmpty());
}

TEST_F(HoldingsOfAUser, OfAnEarlierBootOrUnreadableDoNotCount) {
    ASSERT_TRUE(open());
    write("run/nvme1", "boot 0\nidentity 1\nlasting a\n");
    write("run/nvme2", "");
    write("run/nvme3", "boot " + firstLineOf("/proc/sys/kernel/random/boot_id") + "\nidentity x\n");
    write("run/nvme4.new", "boot " + firstLineOf("/proc/sys/kernel/random/boot_id") + "\nidentity 1\n");
    EXPECT_THAT(open()->all(), IsEmpty());
}

TEST_F(HoldingsOfAUser, AreLocked) {
    auto holdings = open();
    ASSERT_TRUE(holdings);
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Busy);
}

TEST_F(HoldingsOfAUser, AreRefusedWhereOthersMayWrite) {
    fs::create_directories(paths().run);
    fs::permissions(paths().run, fs::perms::all);
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotPermitted);
    fs::remove_all(paths().run);
    fs::create_directory_symlink(root_ / "etc", paths().run);
    EXPECT_FALSE(open());
}

TEST_F(HoldingsOfAUser, AProcessLivesUntilItHasEnded) {
    EXPECT_TRUE(Holder::process(1).lives());
    EXPECT_FALSE(Holder::process(1) == Holder::process(2));
    EXPECT_TRUE(Holder::lasting("/mnt").lives());
    EXPECT_FALSE(Holder("process 1 1 1").lives());  // Another one had that number.
    EXPECT_FALSE(Holder("process").lives());
    EXPECT_FALSE(Holder("process 0 ").lives());
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t ended{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
    EXPECT_FALSE(Holder("process " + std::to_string(child) + " 1 1").lives());
    ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace mc::nvme::kernel
