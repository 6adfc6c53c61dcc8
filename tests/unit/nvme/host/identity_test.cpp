// Another namespace under the number of one that was known: a host that comes back must not take it for that.
#include <gmock/gmock.h>

#include "nvme/host/host_fixture.h"
#include "nvme/host/own_target.h"

namespace mc::nvme::host::test {
namespace {

using Outcome = HostRequest::Outcome;
using State = HostController::State;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::array<std::uint8_t, 16> kOne{1};
constexpr std::array<std::uint8_t, 16> kOther{2};

TEST(NamespaceIdentities, OneIsTheSameByWhatIsKnownOfIt) {
    const auto isSame = [](NamespaceInfo first, NamespaceInfo now) {
        first.nsid = now.nsid = 1;
        NamespaceIdentities identities;
        EXPECT_FALSE(identities.check(first));
        const auto before = identities.check(now);
        EXPECT_EQ(before.value_or(first), first);
        return !before;
    };
    EXPECT_TRUE(isSame({.nguid = kOne, .uuid = kOne}, {.nguid = kOne, .uuid = kOne}));
    EXPECT_FALSE(isSame({.nguid = kOne, .uuid = kOne}, {.nguid = kOne, .uuid = kOther}));
    EXPECT_FALSE(isSame({.nguid = kOne, .uuid = kOne}, {.nguid = kOther, .uuid = kOne}));
    EXPECT_FALSE(isSame({.eui64 = {1}}, {.eui64 = {2}}));
    EXPECT_TRUE(isSame({.nguid = kOne}, {.nguid = kOne, .uuid = kOne})) << "it says more of itself";
    EXPECT_FALSE(isSame({.nguid = kOne}, {.uuid = kOne})) << "nothing says that it is the same";
    EXPECT_FALSE(isSame({.nguid = kOne}, {}));
    EXPECT_TRUE(isSame({}, {})) << "there is nothing to go by";
    EXPECT_TRUE(isSame({.size = 4096, .uuid = kOne}, {.size = 8192, .uuid = kOne}));
    EXPECT_FALSE(isSame({.size = 8192, .uuid = kOne}, {.size = 4096, .uuid = kOne}));
    EXPECT_FALSE(isSame({.size = 8192}, {.size = 4096}));
}

TEST(NamespaceIdentities, AreOfTheFirstOneUntilItIsForgotten) {
    const NamespaceInfo first{.nsid = 1, .uuid = kOne};
    const NamespaceInfo other{.nsid = 1, .uuid = kOther};
    NamespaceIdentities identities;
    EXPECT_FALSE(identities.check(first));
    EXPECT_FALSE(identities.check({.nsid = 2, .uuid = kOther}));
    EXPECT_TRUE(identities.check(other));
    EXPECT_TRUE(identities.check(other));
    EXPECT_FALSE(identities.check(first));
    identities.forget(1);
    EXPECT_FALSE(identities.check(other));
    EXPECT_TRUE(identities.check(first));
}

class ReplacedNamespace : public testing::Test {
  protected:
    void SetUp() override {
        target_->add(1, 1 << 20);
        target_->add(2, 1 << 20);
        host_.connect(port_, OwnTarget::kNqn, shared_);
        ASSERT_TRUE(host_.ready()) << host_.last_error.message;
    }
    // One that `fill` gives its namespaces, at the same address.
    void startAnother(const std::function<void(OwnTarget&)>& fill) {
        target_.reset();
        ASSERT_TRUE(host_.runUntil([&] { return host_.state == State::Reconnecting; }));
        target_ = std::make_unique<OwnTarget>(TargetOptions{.threads = 1}, port_, fill);
        ASSERT_TRUE(host_.runUntil([&] { return host_.state == State::Ready; }));
    }
    static HostOptions options() {
        HostOptions options;
        options.reconnect_delay = 5ms;
        return options;
    }

    std::unique_ptr<OwnTarget> target_ = std::make_unique<OwnTarget>();
    const std::uint16_t port_ = target_->port();
    const std::shared_ptr<SharedState> shared_ = std::make_shared<SharedState>();
    Host host_{options()};
    const Bytes untouched_ = Bytes(4096, std::byte{0xee});
    Bytes data_ = untouched_;
};

TEST_F(ReplacedNamespace, IsNeitherReadNorWritten) {
    std::shared_ptr<io::BlockDevice> other;
    startAnother([&](OwnTarget& target) {
        other = target.add(1, 1 << 20, 4096, 0x33);
        target.add(2, 1 << 20);
    });
    EXPECT_EQ(host_.read(1, 0, data_), Outcome::Replaced);
    EXPECT_EQ(data_, untouched_);
    EXPECT_EQ(host_.write(1, 0, data_), Outcome::Replaced);
    EXPECT_EQ(host_.write(1, 1, std::span(data_).first(100)), Outcome::Replaced);
    EXPECT_EQ(host_.run(HostRequest::Kind::Flush, 1, 0, {}), Outcome::Replaced);
    EXPECT_EQ(other->memory()[0], std::byte{0});
    ASSERT_EQ(host_.replacements.size(), 1U) << "it is told once";
    EXPECT_EQ(host_.replacements[0].code, ErrorCode::NotFound);
    EXPECT_THAT(host_.replacements[0].message,
                AllOf(HasSubstr(OwnTarget::kNqn), HasSubstr("namespace 1 is another one now"),
                      HasSubstr("73737373-7373-7373-7373-737373737373"), HasSubstr("it was UUID 41414141-")));
    EXPECT_EQ(host_.read(2, 0, data_), Outcome::Completed) << "the others are what they were";
}

TEST_F(ReplacedNamespace, ThatIsBackIsUsedAgain) {
    startAnother([](OwnTarget& target) { target.add(1, 1 << 20, 4096, 0x33); });
    EXPECT_EQ(host_.read(1, 0, data_), Outcome::Replaced);
    startAnother([](OwnTarget& target) { target.add(1, 1 << 20); });
    EXPECT_EQ(host_.read(1, 0, data_), Outcome::Completed);
    EXPECT_EQ(host_.replacements.size(), 1U);
}

TEST_F(ReplacedNamespace, ThatIsSmallerIsNotUsed) {
    startAnother([](OwnTarget& target) { target.add(1, 512 << 10); });
    EXPECT_EQ(host_.read(1, 0, data_), Outcome::Replaced);
    EXPECT_EQ(data_, untouched_);
    ASSERT_EQ(host_.replacements.size(), 1U);
    EXPECT_THAT(host_.replacements[0].message, AllOf(HasSubstr("512KiB; it was"), HasSubstr("1MiB")));
}

TEST_F(ReplacedNamespace, WithinAConnectionIsNotUsedEither) {
    ASSERT_TRUE((*target_)->removeNamespace(OwnTarget::kNqn, 1));
    target_->add(1, 1 << 20, 4096, 0x33);
    ASSERT_TRUE(host_.runUntil([&] { return !host_.replacements.empty(); }));
    EXPECT_EQ(host_.read(1, 0, data_), Outcome::Replaced);
}

TEST_F(ReplacedNamespace, IsNotUsedByWhoConnectsLaterEither) {
    startAnother([](OwnTarget& target) { target.add(1, 1 << 20, 4096, 0x33); });
    Host later;
    later.connect(port_, OwnTarget::kNqn, shared_);
    ASSERT_TRUE(later.ready()) << later.last_error.message;
    EXPECT_EQ(later.read(1, 0, data_), Outcome::Replaced);
    shared_->identities.forget(1);
    EXPECT_EQ(later.read(1, 0, data_), Outcome::Completed) << "the namespaces are read again";
}

TEST_F(ReplacedNamespace, RequestsThatWaitedForItFail) {
    target_.reset();
    ASSERT_TRUE(host_.runUntil([&] { return host_.state == State::Reconnecting; }));
    NotedRequest waiting(HostRequest::Kind::Read, 1, 0, data_);
    host_.controller().submit(waiting);
    host_.controller().flush();
    target_ = std::make_unique<OwnTarget>(TargetOptions{.threads = 1}, port_,
                                          [](OwnTarget& target) { target.add(1, 1 << 20, 4096, 0x33); });
    ASSERT_TRUE(host_.runUntil([&] { return waiting.ends > 0; }));
    EXPECT_EQ(waiting.outcome, Outcome::Replaced);
    EXPECT_EQ(data_, untouched_);
}

}  // namespace
}  // namespace mc::nvme::host::test
