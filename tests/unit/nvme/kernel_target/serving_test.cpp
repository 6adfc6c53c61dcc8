#include <sys/stat.h>

#include "kernel_target/fixture.h"
#include "nvme/kernel/target/hosts.h"

namespace mc::nvmet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Serving : public KernelTargetTest {};

TEST_F(Serving, MakesASubsystemAndAPortAndTakesThemDown) {
    const auto before = objects();
    {
        const auto target = start(options());
        ASSERT_TRUE(target) << target.error().message;
        EXPECT_EQ(read(subsystem_ + "/attr_serial"), kSerial);
        EXPECT_EQ(read(subsystem_ + "/attr_model"), "mc-target");
        EXPECT_EQ(read(subsystem_ + "/attr_allow_any_host"), "1");
        EXPECT_EQ(read("ports/27747/addr_trtype"), "tcp");
        EXPECT_EQ(read("ports/27747/addr_adrfam"), "ipv4");
        EXPECT_EQ(read("ports/27747/addr_traddr"), "127.0.0.1");
        EXPECT_EQ(read("ports/27747/addr_trsvcid"), "4420");
        EXPECT_EQ(fs::read_symlink(at(offerPath(27747, kNqn))), at(subsystem_));
        EXPECT_EQ(records().size(), 1);
    }
    EXPECT_EQ(objects(), before);
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Serving, NamespacesComeAndGo) {
    const auto target = start(options());
    ASSERT_TRUE(target);
    NamespaceOptions direct = file(7);
    direct.buffered = false;
    ASSERT_TRUE((*target)->addNamespace(file(1)));
    ASSERT_TRUE((*target)->addNamespace(direct));
    const std::string first = subsystem_ + "/namespaces/1";
    EXPECT_EQ(read(first + "/device_path"), "/data/f1");
    EXPECT_EQ(read(first + "/device_nguid"), "11000000-0000-0000-0000-000000000000");
    EXPECT_EQ(read(first + "/device_uuid"), "22000000-0000-0000-0000-000000000000");
    EXPECT_EQ(read(first + "/buffered_io"), "1");
    EXPECT_EQ(read(first + "/enable"), "1");
    EXPECT_EQ(read(subsystem_ + "/namespaces/7/buffered_io"), "0");
    ASSERT_TRUE((*target)->removeNamespace(1));
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), ElementsAre("7"));
    EXPECT_THAT(Record::read(records().front()).namespaces, ElementsAre(7));
}

TEST_F(Serving, FirstNamespacesAreThereBeforeThePortListens) {
    auto wanted = options();
    wanted.namespaces = {file(1), file(7)};
    std::vector<std::string> before_it_listened;
    {
        auto fake = tree();
        fake->on_link = [&] { before_it_listened = tree()->list(subsystem_ + "/namespaces"); };
        const auto target = KernelTarget::start(std::move(fake), wanted);
        ASSERT_TRUE(target) << target.error().message;
        EXPECT_THAT(before_it_listened, UnorderedElementsAre("1", "7"));
        EXPECT_EQ(read(subsystem_ + "/namespaces/7/enable"), "1");
        EXPECT_THAT(Record::read(records().front()).namespaces, UnorderedElementsAre(1, 7));
    }
    EXPECT_THAT(tree()->list("subsystems"), IsEmpty());
    auto fake = tree();
    fake->refuses[subsystem_ + "/namespaces/7/enable"] = ENOENT;
    EXPECT_EQ(KernelTarget::start(std::move(fake), wanted).error().code, ErrorCode::NoInput);
    EXPECT_THAT(tree()->list("subsystems"), IsEmpty());
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Serving, ANamespaceThatTheKernelRefusesLeavesNothing) {
    auto fake = tree();
    const std::string path = subsystem_ + "/namespaces/1";
    fake->refuses[path + "/enable"] = ENOENT;
    const auto target = KernelTarget::start(std::move(fake), options());
    ASSERT_TRUE(target);
    const auto added = (*target)->addNamespace(file(1));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::NoInput);
    EXPECT_THAT(added.error().message, HasSubstr("the kernel can't serve /data/f1: write"));
    EXPECT_THAT(added.error().message, HasSubstr("No such file or directory"));
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), IsEmpty());
    EXPECT_THAT(Record::read(records().front()).namespaces, IsEmpty());
    // One that is there already, made by whomever, stays.
    ASSERT_EQ(tree()->make(subsystem_ + "/namespaces/2"), 0);
    EXPECT_FALSE((*target)->addNamespace(file(2)));
    EXPECT_THAT(tree()->list(subsystem_ + "/namespaces"), ElementsAre("2"));
    EXPECT_EQ((*target)->addNamespace({.nsid = 3, .path = "/data/a\nb"}).error().code, ErrorCode::InvalidArgument);
    ASSERT_EQ(tree()->remove(subsystem_ + "/namespaces/2"), 0);
}

TEST_F(Serving, TakesAPortThatNobodyHas) {
    for (const char* const id : {"1", "27747", "27748"})
        ASSERT_EQ(tree()->make(std::string("ports/") + id), 0);
    {
        const auto target = start(options());
        ASSERT_TRUE(target);
        EXPECT_EQ(read("ports/27749/addr_trsvcid"), "4420");
        EXPECT_EQ(read("ports/1/addr_trsvcid"), "");
    }
    EXPECT_THAT(tree()->list("ports"), ElementsAre("1", "27747", "27748"));
    // Somebody else was faster.
    auto fake = tree();
    fake->refuses["ports/27749"] = EEXIST;
    const auto target = KernelTarget::start(std::move(fake), options());
    ASSERT_TRUE(target);
    EXPECT_EQ(read("ports/27750/addr_trsvcid"), "4420");
    const Made made = Record::read(records().front());
    ASSERT_EQ(made.ports.size(), 1);
    EXPECT_EQ(made.ports.front().id, 27750);
}

TEST_F(Serving, AnAddressThatIsTakenOrNotOursIsTold) {
    const auto before = objects();
    struct Case {
        int number;
        const char* trtype;
        const char* text;
    };
    for (const auto& [number, trtype, text] : {Case{EADDRINUSE, "tcp", "another server or port listens there"},
                                               Case{EADDRNOTAVAIL, "tcp", "no interface has this address"},
                                               Case{ENODEV, "rdma", "no RDMA device has this address"}}) {
        auto fake = tree();
        fake->refuses[offerPath(27747, kNqn)] = number;
        auto wanted = options();
        wanted.address.trtype = trtype;
        wanted.port_option = "--trid";
        wanted.subsystem.hosts = {{.nqn = kHost, .key = {}, .controller_key = {}}};
        const auto target = KernelTarget::start(std::move(fake), wanted);
        ASSERT_FALSE(target);
        EXPECT_EQ(target.error().code, ErrorCode::CannotCreate);
        EXPECT_THAT(target.error().message, HasSubstr(text));
        EXPECT_THAT(target.error().message, HasSubstr(" 127.0.0.1 4420"));
        EXPECT_EQ(target.error().hint.ends_with("; or give another with --trid"), number == EADDRINUSE);
        EXPECT_FALSE(target.error().hint.empty());
        EXPECT_EQ(objects(), before);
        EXPECT_THAT(records(), IsEmpty());
    }
}

TEST_F(Serving, ASubsystemOfSomebodyElseIsNotTouched) {
    ASSERT_EQ(tree()->make(subsystem_), 0);
    const auto before = objects();
    const auto target = start(options());
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(target.error().message, HasSubstr(subsystem_ + ": is there already"));
    EXPECT_EQ(objects(), before);
    EXPECT_THAT(records(), IsEmpty());
    // The same where it comes between the look and the making.
    fs::remove_all(at(subsystem_));
    auto fake = tree();
    fake->refuses[subsystem_] = EEXIST;
    EXPECT_EQ(KernelTarget::start(std::move(fake), options()).error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(records(), IsEmpty());
}

TEST_F(Serving, OneSubsystemHasOneTarget) {
    const auto target = start(options());
    ASSERT_TRUE(target);
    const auto second = start(options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Busy);
    EXPECT_THAT(second.error().message, HasSubstr("another mc-target serves it"));
    EXPECT_EQ(read(subsystem_ + "/attr_serial"), kSerial);
    EXPECT_TRUE(start(options("nqn.2026-01.test:other")));
    EXPECT_EQ(read(subsystem_ + "/attr_serial"), kSerial);
}

TEST_F(Serving, OnlyAllowedHostsWithTheirKeys) {
    auto wanted = options();
    wanted.subsystem.allow_any_host = false;
    wanted.subsystem.hosts = {{.nqn = kHost, .key = "DHHC-1:00:a2V5:", .controller_key = "DHHC-1:00:b3RoZXI=:"},
                              {.nqn = "nqn.host1", .key = {}, .controller_key = {}}};
    const auto before = objects();
    {
        const auto target = start(wanted);
        ASSERT_TRUE(target) << target.error().message;
        EXPECT_EQ(read(subsystem_ + "/attr_allow_any_host"), "0");
        EXPECT_THAT(tree()->list(subsystem_ + "/allowed_hosts"), ElementsAre(kHost, "nqn.host1"));
        const std::string host = std::string("hosts/") + kHost;
        EXPECT_EQ(read(host + "/dhchap_key"), "DHHC-1:00:a2V5:");
        EXPECT_EQ(read(host + "/dhchap_ctrl_key"), "DHHC-1:00:b3RoZXI=:");
        EXPECT_EQ(read(host + "/dhchap_dhgroup"), "ffdhe2048");
        EXPECT_EQ(read("hosts/nqn.host1/dhchap_key"), "");
        for (const char* const key : {"/dhchap_key", "/dhchap_ctrl_key"}) {
            struct stat status{};
            ASSERT_EQ(::stat(at(host + key).c_str(), &status), 0);
            EXPECT_EQ(status.st_mode & 0777, 0600U) << "others could read the key";
        }
    }
    EXPECT_EQ(objects(), before);
}

TEST_F(Serving, AKernelWithoutAuthenticationIsAFinding) {
    auto fake = tree();
    fake->authenticates = false;
    auto wanted = options();
    wanted.subsystem.hosts = {{.nqn = kHost, .key = "DHHC-1:00:a2V5:", .controller_key = {}}};
    const auto target = KernelTarget::start(std::move(fake), wanted);
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(target.error().message, HasSubstr("finding 7: "));
    EXPECT_EQ(target.error().message.find("a2V5"), std::string::npos);
    EXPECT_THAT(tree()->list("hosts"), IsEmpty());
}

TEST_F(Serving, AHostIsSharedByThoseWhoGiveItTheSameKeys) {
    ASSERT_EQ(tree()->make(std::string("hosts/") + kHost), 0);
    ASSERT_TRUE(tree()->write(std::string("hosts/") + kHost + "/dhchap_key", "DHHC-1:00:a2V5"));
    auto wanted = options();
    wanted.subsystem.hosts = {{.nqn = kHost, .key = {}, .controller_key = {}}};
    const auto refused = start(wanted);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(refused.error().message, HasSubstr("with other keys"));
    EXPECT_EQ(refused.error().message.find("a2V5"), std::string::npos);
    wanted.subsystem.hosts.front().key = "DHHC-1:00:a2V5:";
    {
        ASSERT_TRUE(start(wanted));
    }
    EXPECT_THAT(tree()->list("hosts"), ElementsAre(kHost)) << "is somebody else's";
    fs::remove_all(at("hosts") / kHost);

    // Of two targets the last one takes it down, whichever made it.
    auto other = options("nqn.2026-01.test:other");
    other.address.trsvcid = "4421";
    other.subsystem.hosts = wanted.subsystem.hosts;
    auto first = start(wanted);
    ASSERT_TRUE(first);
    auto second = start(other);
    ASSERT_TRUE(second);
    first->reset();
    EXPECT_THAT(tree()->list("hosts"), ElementsAre(kHost));
    second->reset();
    EXPECT_THAT(tree()->list("hosts"), IsEmpty());
}

TEST_F(Serving, AHostThatSomebodyElseMakesMeanwhileStays) {
    class Faster : public Nvmet {
      public:
        using Nvmet::Nvmet;
        int make(std::string_view path) const override {
            const int error = Nvmet::make(path);
            return error == 0 && path == hostPath(kHost) ? EEXIST : error;
        }
    };
    auto wanted = options();
    wanted.subsystem.hosts = {{.nqn = kHost, .key = {}, .controller_key = {}}};
    EXPECT_FALSE(KernelTarget::start(std::make_unique<Faster>(at("")), wanted));
    EXPECT_THAT(tree()->list("hosts"), ElementsAre(kHost));
    EXPECT_THAT(tree()->list("subsystems"), IsEmpty());
}

TEST_F(Serving, NamesAreThoseThatADirectoryCanHave) {
    const auto before = objects();
    for (const std::string name :
         {"nqn.2026-01.test:a/b", "nqn.2026-01.test:a b", "../../x", "", "nqn.2026-01.test:a\n"}) {
        const auto target = start(options(name));
        ASSERT_FALSE(target) << name;
        EXPECT_EQ(target.error().code, ErrorCode::InvalidArgument);
        auto wanted = options();
        wanted.subsystem.hosts = {{.nqn = name, .key = {}, .controller_key = {}}};
        EXPECT_EQ(start(wanted).error().code, ErrorCode::InvalidArgument) << name;
    }
    EXPECT_FALSE(start(options("nqn." + std::string(220, 'x'))));
    EXPECT_EQ(objects(), before);
}

TEST_F(Serving, NeedsADirectoryThatNobodyElseWritesTo) {
    fs::create_directory(directory_ / "records");
    fs::permissions(directory_ / "records", fs::perms::all);
    const auto target = start(options());
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(target.error().message, HasSubstr("may write to it"));
    EXPECT_THAT(tree()->list("subsystems"), IsEmpty());
}

}  // namespace
}  // namespace mc::nvmet::test
