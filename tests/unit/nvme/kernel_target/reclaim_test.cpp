#include "nvme/kernel/target/reclaim.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_target/fixture.h"

namespace mc::nvmet::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kTheirs = "nqn.2026-01.test:theirs";
constexpr const char* kTheirSubsystem = "subsystems/nqn.2026-01.test:theirs";

class Reclaimed : public KernelTargetTest {
  protected:
    /// A target that serves two files to one host, until it is killed. `refused`: where it is killed in between.
    void leave(const std::string& refused = {}) const {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto wanted = options();
            wanted.subsystem.hosts = {{.nqn = kHost, .key = {}, .controller_key = {}}};
            auto tree = std::make_unique<Dying>(directory_ / "nvmet", refused);
            const auto target = KernelTarget::start(std::move(tree), wanted);
            const bool added = target && (*target)->addNamespace(file(1)) && (*target)->addNamespace(file(2));
            ::_exit(added ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0);
        ASSERT_THAT(records(), Not(IsEmpty()));
    }
    void theirs() const {
        ASSERT_EQ(tree()->make(kTheirSubsystem), 0);
        ASSERT_EQ(tree()->make("ports/1"), 0);
        ASSERT_EQ(tree()->link(kTheirSubsystem, offerPath(1, kTheirs)), 0);
    }

  private:
    /// Ends the process instead of writing an attribute.
    class Dying : public Nvmet {
      public:
        Dying(const fs::path& root, std::string at) : Nvmet(root), at_(std::move(at)) {}
        Result<void> write(std::string_view attribute, std::string_view value) const override {
            if (attribute == at_) ::_exit(0);
            return Nvmet::write(attribute, value);
        }

      private:
        const std::string at_;
    };
};

TEST_F(Reclaimed, WhatAKilledTargetHasLeftIsTakenDownByTheNext) {
    theirs();
    const auto before = objects();
    leave();
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), ElementsAre("1", "2"));
    {
        // Also by one of another name.
        const auto next = start(options("nqn.2026-01.test:next"));
        ASSERT_TRUE(next);
        EXPECT_THAT(tree()->list("subsystems"), ElementsAre("nqn.2026-01.test:next", kTheirs));
        EXPECT_THAT(tree()->list("hosts"), IsEmpty());
        EXPECT_EQ(records().size(), 1);
    }
    EXPECT_EQ(objects(), before);
    leave();
    {
        const auto next = start(options());
        ASSERT_TRUE(next) << next.error().message;
        EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), IsEmpty());
        EXPECT_THAT(tree()->list("ports"), ElementsAre("1", "27747"));
    }
    EXPECT_EQ(objects(), before);
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Reclaimed, WhereverItWasKilled) {
    const auto before = objects();
    for (const std::string& where :
         {subsystem_ + "/attr_serial", subsystem_ + "/attr_model", std::string("ports/27747/addr_trtype"),
          std::string("ports/27747/addr_trsvcid"), subsystem_ + "/namespaces/2/device_path"}) {
        leave(where);
        EXPECT_NE(objects(), before);
        {
            ASSERT_TRUE(start(options())) << where;
        }
        EXPECT_EQ(objects(), before) << where;
    }
}

TEST_F(Reclaimed, ALivingTargetsIsNot) {
    const auto living = start(options());
    ASSERT_TRUE(living);
    ASSERT_TRUE((*living)->addNamespace(file(1)));
    const auto before = objects();
    reclaim(*tree(), directory_ / "records");
    EXPECT_EQ(objects(), before);
    EXPECT_EQ(records().size(), 1);
}

TEST_F(Reclaimed, WhatSomebodyElseHasMadeMeanwhileIsNot) {
    leave();
    // Removed by hand; then others use the name, and the port's number for another address.
    ASSERT_EQ(tree()->unlink(offerPath(27747, kNqn)), 0);
    ASSERT_TRUE(tree()->write("ports/27747/addr_traddr", "10.0.0.9"));
    ASSERT_TRUE(tree()->write(subsystem_ + "/attr_serial", "theirs"));
    reclaim(*tree(), directory_ / "records");
    EXPECT_THAT(tree()->list("subsystems"), ElementsAre(kNqn));
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), ElementsAre("1", "2"));
    EXPECT_THAT(tree()->list("ports"), ElementsAre("27747"));
    EXPECT_THAT(records(), IsEmpty());
    const auto next = start(options());
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, ErrorCode::AlreadyExists);
}

TEST_F(Reclaimed, APortThatOthersUseByNowStays) {
    leave();
    ASSERT_EQ(tree()->make(kTheirSubsystem), 0);
    ASSERT_EQ(tree()->link(kTheirSubsystem, offerPath(27747, kTheirs)), 0);
    reclaim(*tree(), directory_ / "records");
    EXPECT_THAT(tree()->list("subsystems"), ElementsAre(kTheirs));
    EXPECT_THAT(tree()->list("ports/27747/subsystems"), ElementsAre(kTheirs));
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Reclaimed, ASubsystemThatOthersOfferByNowStaysWithoutItsFiles) {
    leave();
    ASSERT_EQ(tree()->make("ports/1"), 0);
    ASSERT_EQ(tree()->link(subsystem_, offerPath(1, kNqn)), 0);
    const auto done = takeDown(*tree(), Record::read(records().front()));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::Busy);
    EXPECT_THAT(done.error().message, HasSubstr(subsystem_));
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), IsEmpty());
    EXPECT_THAT(tree()->list("ports"), ElementsAre("1"));
    // Tried again by each start, until it can be done.
    reclaim(*tree(), directory_ / "records");
    EXPECT_EQ(records().size(), 1);
    ASSERT_EQ(tree()->unlink(offerPath(1, kNqn)), 0);
    reclaim(*tree(), directory_ / "records");
    EXPECT_THAT(tree()->list("subsystems"), IsEmpty());
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Reclaimed, ARecordIsReadToItsLastWholeLine) {
    fs::create_directory(directory_ / "records");
    const fs::path path = directory_ / "records" / "x.record";
    std::ofstream(path) << "+subsystem " << kNqn << " " << kSerial << "\n"
                        << "+port 27747 tcp ipv6 ::1 4420\n+port 99999 tcp ipv4 127.0.0.1 1\n+port 5\n-port x\n"
                        << "+namespace 1\n+namespace 2\n-namespace 1\n+namespace -3\nnonsense\n\n+host " << kHost
                        << "\n+namespace 4";
    const Made made = Record::read(path);
    EXPECT_EQ(made.nqn, kNqn);
    EXPECT_EQ(made.serial, kSerial);
    ASSERT_EQ(made.ports.size(), 1);
    EXPECT_EQ(made.ports.front().address, (PortAddress{"tcp", "ipv6", "::1", "4420"}));
    EXPECT_THAT(made.namespaces, ElementsAre(2));
    EXPECT_THAT(made.hosts, ElementsAre(kHost));
    EXPECT_TRUE(Record::read(directory_ / "none").nqn.empty());
}

TEST_F(Reclaimed, ARecordNamesNothingOutsideOfTheKernelsTree) {
    fs::create_directory(directory_ / "records");
    fs::create_directory(directory_ / "theirs");
    const fs::path path = directory_ / "records" / "x.record";
    std::ofstream(path) << "+subsystem ../../theirs s\n+allowed ..\n+host ../../theirs\n+host .\n+host ports/1\n";
    const Made made = Record::read(path);
    EXPECT_TRUE(made.nqn.empty());
    EXPECT_THAT(made.allowed, IsEmpty());
    EXPECT_THAT(made.hosts, IsEmpty());
    EXPECT_THAT(reclaim(*tree(), directory_ / "records"), IsEmpty());
    EXPECT_TRUE(fs::exists(directory_ / "theirs"));
}

TEST_F(Reclaimed, ALineThatDidNotFitIsTakenOutAgain) {
    fs::create_directory(directory_ / "records");
    auto record = Record::create(directory_ / "records", kNqn);
    ASSERT_TRUE(record && record->addNamespace(1));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit full{.rlim_cur = fs::file_size(record->path()) + 4, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    const auto refused = record->addNamespace(2);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("No space left"));
    ASSERT_TRUE(record->addNamespace(3));
    EXPECT_THAT(Record::read(record->path()).namespaces, ElementsAre(1, 3));
}

TEST_F(Reclaimed, IsListedFirstAndThenWhatBecameOfIt) {
    leave();
    const auto left = findLeftovers(directory_ / "records");
    ASSERT_EQ(left.size(), 1);
    EXPECT_EQ(describe(left[0]), std::string("subsystem ") + kNqn + ", 1 port, 2 namespaces");
    ASSERT_EQ(tree()->make(subsystem_ + "/namespaces/9"), 0);
    auto done = reclaim(*tree(), directory_ / "records");
    ASSERT_EQ(done.size(), 1);
    ASSERT_TRUE(done[0].problem);
    EXPECT_EQ(done[0].problem->code, ErrorCode::Busy);
    ASSERT_EQ(tree()->remove(subsystem_ + "/namespaces/9"), 0);
    done = reclaim(*tree(), directory_ / "records");
    ASSERT_EQ(done.size(), 1);
    EXPECT_FALSE(done[0].problem);
    EXPECT_THAT(findLeftovers(directory_ / "records"), IsEmpty());
    const auto living = start(options());
    ASSERT_TRUE(living);
    EXPECT_THAT(findLeftovers(directory_ / "records"), IsEmpty());
}

TEST_F(Reclaimed, OneThatWasKilledBeforeItMadeAnythingIsNotTold) {
    fs::create_directory(directory_ / "records");
    {
        ASSERT_TRUE(Record::create(directory_ / "records", kNqn));
    }
    EXPECT_THAT(findLeftovers(directory_ / "records"), IsEmpty());
    EXPECT_THAT(reclaim(*tree(), directory_ / "records"), IsEmpty());
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Reclaimed, AnEmptySubsystemThatLetsHostsInIsSomebodyElses) {
    leave(subsystem_ + "/attr_serial");
    ASSERT_TRUE(tree()->write(subsystem_ + "/attr_allow_any_host", "1"));
    reclaim(*tree(), directory_ / "records");
    EXPECT_THAT(tree()->list("subsystems"), ElementsAre(kNqn));
    EXPECT_THAT(records(), IsEmpty());
}

}  // namespace
}  // namespace mc::nvmet::test
