#include <nvme/types.h>

#include <bit>

#include "auth/fixture.h"
#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Answer;
using test::Bytes;
using test::keyOf;
using test::kKey256;
using test::kKey384;
using test::kKey512;
using test::TestHost;

constexpr const char* kHost = "nqn.2024-01.test:host";  // That of TestHost.
constexpr const char* kStore = "nqn.2024-01.test:authenticated";
constexpr std::uint32_t kRoom = 4096;

class NvmeTargetAuthentication : public test::TargetFixture {
  protected:
    void startAuthenticated(const TargetOptions& options = {}) {
        start(options);
        const auto added = target_->addSubsystem({.nqn = kStore,
                                                  .serial = "MC0002",
                                                  .allow_any_host = false,
                                                  .hosts = {{.nqn = kHost, .key = kKey256, .controller_key = kKey384},
                                                            {.nqn = "nqn.2024-01.test:believed"}}});
        ASSERT_TRUE(added) << added.error().message;
    }
    static HostAuthentication authentication(const char* key = kKey256, const char* controller_key = nullptr) {
        HostAuthenticationOptions options{kHost, kStore, keyOf(key), std::nullopt, 7, {}};
        if (controller_key != nullptr) options.controller_key = keyOf(controller_key);
        return HostAuthentication(options);
    }
    static AuthenticationCommand command(FabricsType type, std::uint32_t length) {
        return {.type = type,
                .specific0 = auth::kProtocolSpecific,
                .specific1 = auth::kProtocolSpecific,
                .protocol = auth::kSecurityProtocol,
                .length = length};
    }
    static Answer sendMessage(TestHost& host, const Bytes& message) {
        const auto length = static_cast<std::uint32_t>(message.size());
        return host.runInCapsule(std::bit_cast<SubmissionEntry>(command(FabricsType::AuthenticationSend, length)),
                                 message);
    }
    static Answer receiveMessage(TestHost& host, std::uint32_t room = kRoom) {
        return host.run(std::bit_cast<SubmissionEntry>(command(FabricsType::AuthenticationReceive, room)), room);
    }
    /// Until there is nothing more to be said.
    static void authenticate(TestHost& host, HostAuthentication authentication) {
        runAuthentication(host, authentication);
        EXPECT_TRUE(authentication.done()) << authentication.reason();
    }
    static void runAuthentication(TestHost& host, HostAuthentication& authentication) {
        while (!authentication.done()) {
            if (authentication.hasMessage()) {
                EXPECT_EQ(sendMessage(host, authentication.next()).status(), 0);
                continue;
            }
            if (authentication.failed()) return;
            const auto answer = receiveMessage(host);
            ASSERT_EQ(answer.status(), 0);
            ASSERT_EQ(answer.data.size(), kRoom);
            authentication.receive(answer.data);
        }
    }
    /// Connected, and not more.
    TestHost connect(std::uint16_t queue_id = 0, const char* host_nqn = kHost) {
        TestHost host(target_->port());
        host.initialize();
        const auto answer = host.connect({.subsystem_nqn = kStore,
                                          .host_nqn = host_nqn,
                                          .controller_id = queue_id == 0 ? kAnyController : controller_id_,
                                          .queue_id = queue_id});
        EXPECT_EQ(answer.status(), 0);
        connect_result_ = answer.completion.result;
        if (queue_id == 0) controller_id_ = static_cast<std::uint16_t>(connect_result_);
        return host;
    }

    std::uint32_t connect_result_ = 0;
};

constexpr int kAuthenticationMissing = 0x100 | NVME_SC_AUTH_REQUIRED;

TEST_F(NvmeTargetAuthentication, OpensAQueueAfterItAlone) {
    startAuthenticated();
    TestHost admin = connect();
    EXPECT_EQ(connect_result_ >> 16U, 2U);  // ATR.
    EXPECT_EQ(admin.getProperty(NVME_REG_CSTS).code(), kAuthenticationMissing);
    EXPECT_EQ(admin.setProperty(NVME_REG_CC, TestHost::kEnabled).code(), kAuthenticationMissing);
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).code(), kAuthenticationMissing);
    EXPECT_EQ(admin.run({.opcode = nvme_admin_identify, .cdw10 = 1}, 4096).code(), kAuthenticationMissing);
    EXPECT_FALSE(target_->controllers().at(0).authenticated);
    authenticate(admin, authentication());
    EXPECT_TRUE(target_->controllers().at(0).authenticated);
    admin.enable();

    TestHost queue = connect(1);
    EXPECT_EQ(connect_result_ >> 16U, 2U);
    EXPECT_EQ(queue.run({.opcode = nvme_cmd_flush, .nsid = 1}).code(), kAuthenticationMissing);
    authenticate(queue, authentication());
    EXPECT_EQ(queue.run({.opcode = nvme_cmd_flush, .nsid = 1}).code(), NVME_SC_INVALID_NS);
}

TEST_F(NvmeTargetAuthentication, TakesNoGroupThatHoldsUpOthers) {
    startAuthenticated();
    for (const auto group :
         {auth::DhGroup::Null, auth::DhGroup::Ffdhe4096, auth::DhGroup::Ffdhe6144, auth::DhGroup::Ffdhe8192}) {
        TestHost admin = connect();
        HostAuthenticationOptions options{kHost, kStore, keyOf(kKey256), std::nullopt, 7, {}};
        options.policy.groups = {group};
        HostAuthentication host(options);
        runAuthentication(admin, host);
        if (group <= auth::DhGroup::Ffdhe4096) {
            EXPECT_TRUE(host.done()) << toString(group) << ": " << host.reason();
        } else {
            EXPECT_TRUE(host.failed()) << toString(group);
            EXPECT_EQ(host.reason(),
                      std::string("refused by the controller: ") + toString(auth::Explanation::GroupNotUsable));
            EXPECT_TRUE(admin.atEnd());
        }
    }
}

TEST_F(NvmeTargetAuthentication, FitsIntoCapsulesWhateverFitsOfData) {
    startAuthenticated({.in_capsule_bytes = 0});
    TestHost admin = connect();
    authenticate(admin, authentication());
    admin.enable();
    TestHost queue = connect(1);
    authenticate(queue, authentication());
    EXPECT_EQ(queue.run({.opcode = nvme_cmd_flush, .nsid = 1}).code(), NVME_SC_INVALID_NS);
    // Other commands bring no more than they may.
    const auto device = io::makeMemoryDevice("memory", 1 << 20);
    ASSERT_TRUE(target_->addNamespace(kStore, {.nsid = 1, .device = *device}));
    const Bytes data = test::pattern(4096);
    EXPECT_EQ(queue.runInCapsule(transfer(nvme_cmd_write, 0, 1), data).code(), NVME_SC_SGL_INVALID_OFFSET);
    EXPECT_EQ(queue.runAsked(transfer(nvme_cmd_write, 0, 1), data).status(), 0);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).data, data);
}

TEST_F(NvmeTargetAuthentication, ProvesWhoTheControllerIs) {
    startAuthenticated();
    TestHost admin = connect();
    authenticate(admin, authentication(kKey256, kKey384));
    admin.enable();
}

TEST_F(NvmeTargetAuthentication, IsPossibleAnew) {
    startAuthenticated();
    TestHost admin = connect();
    authenticate(admin, authentication());
    admin.enable();
    HostAuthentication again = authentication();
    EXPECT_EQ(sendMessage(admin, again.next()).status(), 0);
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).status(), 0);
    again.receive(receiveMessage(admin).data);
    EXPECT_EQ(sendMessage(admin, again.next()).status(), 0);
    again.receive(receiveMessage(admin).data);
    EXPECT_TRUE(again.done());
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).status(), 0);
}

TEST_F(NvmeTargetAuthentication, IsNotAskedOfAHostThatIsBelieved) {
    startAuthenticated();
    TestHost admin = connect(0, "nqn.2024-01.test:believed");
    EXPECT_EQ(connect_result_ >> 16U, 0U);
    admin.enable();
    EXPECT_FALSE(target_->controllers().at(0).authenticated);
    EXPECT_EQ(sendMessage(admin, authentication().next()).code(), NVME_SC_INVALID_OPCODE);
}

TEST_F(NvmeTargetAuthentication, TellsAHostWithAnotherKeyAndEndsItsConnection) {
    startAuthenticated();
    TestHost admin = connect();
    HostAuthentication wrong = authentication(kKey512);
    runAuthentication(admin, wrong);
    EXPECT_EQ(wrong.reason(), "refused by the controller: authentication failed");
    EXPECT_TRUE(admin.atEnd());
    TestHost next = connect();
    authenticate(next, authentication());
}

TEST_F(NvmeTargetAuthentication, EndsTheConnectionOfAHostThatGivesUp) {
    startAuthenticated();
    TestHost admin = connect();
    HostAuthentication doubting = authentication(kKey256, kKey512);
    runAuthentication(admin, doubting);
    EXPECT_TRUE(doubting.failed());
    EXPECT_TRUE(admin.atEnd());
}

TEST_F(NvmeTargetAuthentication, EndsTheConnectionOfAHostThatDoesNotAuthenticate) {
    startAuthenticated({.connect_timeout = std::chrono::milliseconds(1500)});
    TestHost admin = connect();
    EXPECT_TRUE(admin.atEnd());
}

// Whoever keeps sending is not idle, and still has no more time.
TEST_F(NvmeTargetAuthentication, EndsTheConnectionOfAHostThatAsksForOtherThingsInstead) {
    startAuthenticated({.connect_timeout = std::chrono::milliseconds(1500)});
    TestHost admin = connect();
    Bytes capsules;
    for (std::uint16_t id = 0; id < 16; ++id) {
        const Bytes capsule =
            admin.makeCapsule({.opcode = nvme_admin_keep_alive, .flags = SubmissionEntry::kUsesSgl, .command_id = id});
        capsules.insert(capsules.end(), capsule.begin(), capsule.end());
    }
    admin.sendBytes(capsules);
    const std::span first = std::span(capsules).first(sizeof(CapsuleCommand));
    int answers = 0;
    while (answers < 1'000'000 && admin.receive()) {
        ++answers;
        const auto id = static_cast<std::uint16_t>(answers % 16);
        std::memcpy(first.data() + offsetof(CapsuleCommand, command) + offsetof(SubmissionEntry, command_id), &id, 2);
        static_cast<void>(::send(admin.descriptor().get(), first.data(), first.size(), MSG_NOSIGNAL));
    }
    EXPECT_LT(answers, 1'000'000);
}

TEST_F(NvmeTargetAuthentication, RefusesCommandsThatAreNoneOfIt) {
    startAuthenticated();
    TestHost admin = connect();
    const Bytes message = authentication().next();
    const auto length = static_cast<std::uint32_t>(message.size());
    const auto send = command(FabricsType::AuthenticationSend, length);
    auto changed = send;
    changed.protocol = 0xea;
    EXPECT_EQ(admin.runInCapsule(std::bit_cast<SubmissionEntry>(changed), message).code(), NVME_SC_INVALID_FIELD);
    changed = send;
    changed.specific0 = 2;
    EXPECT_EQ(admin.runInCapsule(std::bit_cast<SubmissionEntry>(changed), message).code(), NVME_SC_INVALID_FIELD);
    changed = send;
    changed.specific1 = 0;
    EXPECT_EQ(admin.runInCapsule(std::bit_cast<SubmissionEntry>(changed), message).code(), NVME_SC_INVALID_FIELD);
    changed = send;
    changed.length = 0;
    EXPECT_EQ(admin.runInCapsule(std::bit_cast<SubmissionEntry>(changed), message).code(), NVME_SC_INVALID_FIELD);
    changed.length = length - 1;
    EXPECT_EQ(admin.runInCapsule(std::bit_cast<SubmissionEntry>(changed), message).code(), NVME_SC_SGL_INVALID_DATA);
    EXPECT_EQ(receiveMessage(admin, 1U << 20U).code(), NVME_SC_INVALID_FIELD);
    authenticate(admin, authentication());
}

TEST_F(NvmeTargetAuthentication, KeepsWhatHasNoRoomForTheNextReceive) {
    startAuthenticated();
    TestHost admin = connect();
    HostAuthentication host = authentication();
    EXPECT_EQ(sendMessage(admin, host.next()).status(), 0);
    EXPECT_EQ(receiveMessage(admin, 64).code(), NVME_SC_INVALID_FIELD);
    host.receive(receiveMessage(admin).data);
    authenticate(admin, std::move(host));
}

TEST_F(NvmeTargetAuthentication, IsRefusedForKeysThatAreNone) {
    start();
    const auto add = [this](const char* key, const char* controller_key) {
        return target_->addSubsystem(
            {.nqn = kStore, .hosts = {{.nqn = kHost, .key = key, .controller_key = controller_key}}});
    };
    for (const auto& result : {add("secret", ""), add(kKey256, "secret"), add("", kKey384)}) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
        EXPECT_EQ(result.error().message.find("secret"), std::string::npos);
        EXPECT_TRUE(result.error().message.starts_with(std::string("host ") + kHost + ": "));
    }
    EXPECT_TRUE(add(kKey256, kKey384));
}

}  // namespace
}  // namespace mc::nvme
