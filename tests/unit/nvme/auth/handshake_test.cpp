// Both roles against each other.
#include "nvme/auth/fixture.h"

namespace mc::nvme {
namespace {

using auth::DhGroup;
using auth::Hash;
using auth::MessageKind;
using test::controllerOptions;
using test::hostOptions;
using test::keyOf;

/// Until neither has anything to say; the kinds of what was said.
std::vector<MessageKind> handshake(HostAuthentication& host, ControllerAuthentication& controller) {
    std::vector<MessageKind> said;
    while (host.hasMessage()) {
        const auto sent = host.next();
        said.push_back(test::headerOf<auth::MessageHeader>(sent).kind);
        controller.receive(sent);
        if (host.done() || host.failed()) break;
        EXPECT_LE(controller.needed(), auth::kMaxMessageLength);
        auto received = controller.next();
        if (received.empty()) break;
        said.push_back(test::headerOf<auth::MessageHeader>(received).kind);
        received.resize(4096);  // As a host allocates it.
        host.receive(received);
    }
    return said;
}

const std::vector<MessageKind> kUnidirectional{MessageKind::Negotiate, MessageKind::Challenge, MessageKind::Reply,
                                               MessageKind::Success1};
const std::vector<MessageKind> kBidirectional{MessageKind::Negotiate, MessageKind::Challenge, MessageKind::Reply,
                                              MessageKind::Success1, MessageKind::Success2};

struct Combination {
    Hash hash;
    DhGroup group;
    bool bidirectional;
};

class Handshake : public testing::TestWithParam<Combination> {};

TEST_P(Handshake, Succeeds) {
    const auto [hash, group, bidirectional] = GetParam();
    for (const char* key : {test::kPlainKey, test::kKey256, test::kKey384, test::kKey512}) {
        auto ours = controllerOptions();
        auto theirs = hostOptions();
        ours.policy = {.hashes = {hash}, .groups = {group}};
        ours.host_key = theirs.host_key = keyOf(key);
        ours.controller_key = keyOf(test::kKey384);
        if (bidirectional) theirs.controller_key = ours.controller_key;
        ControllerAuthentication controller(ours);
        HostAuthentication host(theirs);
        EXPECT_EQ(handshake(host, controller), bidirectional ? kBidirectional : kUnidirectional);
        EXPECT_TRUE(host.done()) << host.reason();
        EXPECT_TRUE(controller.done()) << controller.reason();
        EXPECT_FALSE(host.failed() || controller.failed());
    }
}

std::vector<Combination> combinations() {
    std::vector<Combination> all;
    for (const Hash hash : {Hash::Sha256, Hash::Sha384, Hash::Sha512}) {
        for (const DhGroup group : {DhGroup::Null, DhGroup::Ffdhe2048, DhGroup::Ffdhe3072, DhGroup::Ffdhe4096,
                                    DhGroup::Ffdhe6144, DhGroup::Ffdhe8192}) {
            for (const bool bidirectional : {false, true})
                all.push_back({hash, group, bidirectional});
        }
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, Handshake, testing::ValuesIn(combinations()), [](const auto& test) {
    std::string name = toString(test.param.hash) + std::string("_") + toString(test.param.group);
    std::erase(name, '-');
    return name + (test.param.bidirectional ? "_both" : "_one");
});

struct Failing {
    const char* name;
    std::function<void(ControllerAuthenticationOptions&, HostAuthenticationOptions&)> change;
    auth::Explanation explanation;
    bool host_finds_out;  ///< By itself; else it is told.
};

TEST(HandshakeThatFails, TellsBothWhy) {
    using auth::Explanation;
    const Failing cases[] = {
        {"another host key", [](auto&, auto& h) { h.host_key = keyOf(test::kKey384); }, Explanation::Failed, false},
        {"the same secret without a hash", [](auto&, auto& h) { h.host_key = keyOf(test::kPlainKey); },
         Explanation::Failed, false},
        {"another host NQN", [](auto&, auto& h) { h.host_nqn += "2"; }, Explanation::Failed, false},
        {"another subsystem NQN", [](auto&, auto& h) { h.subsystem_nqn += "2"; }, Explanation::Failed, false},
        {"another controller key",
         [](auto& c, auto& h) {
             c.controller_key = keyOf(test::kKey384);
             h.controller_key = keyOf(test::kKey512);
         },
         Explanation::Failed, true},
        {"no controller key", [](auto&, auto& h) { h.controller_key = keyOf(test::kKey512); }, Explanation::Failed,
         false},
        {"no common hash",
         [](auto& c, auto& h) {
             c.policy.hashes = {Hash::Sha384};
             h.policy.hashes = {Hash::Sha256, Hash::Sha512};
         },
         Explanation::HashNotUsable, false},
        {"no common group",
         [](auto& c, auto& h) {
             c.policy.groups = {DhGroup::Ffdhe3072};
             h.policy.groups = {DhGroup::Null};
         },
         Explanation::GroupNotUsable, false},
        {"no hash at all", [](auto&, auto& h) { h.policy.hashes = {}; }, Explanation::HashNotUsable, false},
    };
    for (const Failing& failing : cases) {
        SCOPED_TRACE(failing.name);
        auto ours = controllerOptions();
        auto theirs = hostOptions();
        failing.change(ours, theirs);
        ControllerAuthentication controller(ours);
        HostAuthentication host(theirs);
        handshake(host, controller);
        if (host.hasMessage()) controller.receive(host.next());
        EXPECT_TRUE(host.failed());
        EXPECT_TRUE(controller.failed());
        EXPECT_FALSE(host.done());
        EXPECT_FALSE(controller.done());
        const std::string why = toString(failing.explanation);
        const std::string told = failing.host_finds_out ? "the host gives up: " : "refused by the controller: ";
        const std::string& first = failing.host_finds_out ? host.reason() : controller.reason();
        EXPECT_TRUE(first.starts_with(why + " (")) << first;
        EXPECT_EQ(failing.host_finds_out ? controller.reason() : host.reason(), told + why);
    }
}

TEST(HandshakeChoice, IsTheControllersFirstThatTheHostOffers) {
    auto ours = controllerOptions();
    auto theirs = hostOptions();
    ours.policy = {.hashes = {Hash::Sha512, Hash::Sha256}, .groups = {DhGroup::Ffdhe3072, DhGroup::Null}};
    theirs.policy = {.hashes = {Hash::Sha256, Hash::Sha384}, .groups = {DhGroup::Null, DhGroup::Ffdhe3072}};
    ControllerAuthentication controller(ours);
    HostAuthentication host(theirs);
    controller.receive(host.next());
    const auto header = test::headerOf<auth::ChallengeHeader>(controller.next());
    EXPECT_EQ(header.hash, 1);
    EXPECT_EQ(header.group, 2);
    EXPECT_EQ(header.hash_length, 32);
    EXPECT_EQ(header.dh_length, 384);
}

TEST(HandshakeAnew, KeepsWhatIsAuthenticatedUntilItFails) {
    ControllerAuthentication controller(controllerOptions());
    HostAuthentication first(hostOptions());
    handshake(first, controller);
    ASSERT_TRUE(controller.done());

    auto options = hostOptions();
    options.transaction = 0x1235;
    HostAuthentication second(options);
    controller.receive(second.next());
    EXPECT_TRUE(controller.done());
    second.receive(controller.next());
    controller.receive(second.next());
    EXPECT_TRUE(controller.done());
    second.receive(controller.next());
    EXPECT_TRUE(controller.done() && second.done());

    options.host_key = keyOf(test::kKey384);
    HostAuthentication third(options);
    handshake(third, controller);
    EXPECT_TRUE(controller.failed());
    EXPECT_FALSE(controller.done());
}

}  // namespace
}  // namespace mc::nvme
