#include <nvme/types.h>

#include "auth_fixture.h"
#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::Bytes;
using test::TestHost;

constexpr const char* kClosed = "nqn.2024-01.test:closed";

class NvmeTargetAuthentication : public test::TargetFixture {
  protected:
    void SetUp() override {
        start({.connect_timeout = std::chrono::milliseconds(500)});
        ASSERT_TRUE(target_->addSubsystem(
            {.nqn = kClosed,
             .allow_any_host = false,
             .hosts = {{.nqn = test::kHostNqn, .key = test::kKey256, .controller_key = test::kKey384}}}));
    }
    static SubmissionEntry command(FabricsType type, std::size_t length) {
        return std::bit_cast<SubmissionEntry>(AuthenticationCommand{.type = type,
                                                                    .specific0 = auth::kProtocolSpecific,
                                                                    .specific1 = auth::kProtocolSpecific,
                                                                    .protocol = auth::kSecurityProtocol,
                                                                    .length = static_cast<std::uint32_t>(length)});
    }
    TestHost connect(std::uint16_t queue_id = 0) {
        TestHost host(target_->port());
        host.initialize();
        const auto answer = host.connect({.subsystem_nqn = kClosed,
                                          .host_nqn = test::kHostNqn,
                                          .controller_id = queue_id == 0 ? kAnyController : controller_id_,
                                          .queue_id = queue_id});
        EXPECT_EQ(answer.status(), 0);
        EXPECT_NE(answer.completion.result & auth::kAuthenticationRequired, 0U);
        if (queue_id == 0) controller_id_ = static_cast<std::uint16_t>(answer.completion.result);
        return host;
    }
    /// What the host thinks of it.
    static bool authenticate(TestHost& host, const char* key, const char* controller_key = nullptr) {
        HostAuthenticationOptions options{test::kHostNqn, kClosed, test::keyOf(key), std::nullopt, 7, {}};
        if (controller_key != nullptr) options.controller_key = test::keyOf(controller_key);
        HostAuthentication authentication(std::move(options));
        while (!authentication.done() && !authentication.failed()) {
            if (authentication.hasMessage()) {
                const auto message = authentication.next();
                EXPECT_EQ(host.runInCapsule(command(FabricsType::AuthenticationSend, message.size()), message).status(),
                          0);
            } else {
                const auto answer = host.run(command(FabricsType::AuthenticationReceive, 4096), 4096);
                EXPECT_EQ(answer.status(), 0);
                authentication.receive(answer.data);
            }
        }
        return authentication.done();
    }
};

TEST_F(NvmeTargetAuthentication, OpensAQueueToWhoHasTheKey) {
    TestHost admin = connect();
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).code(), 0x100 | NVME_SC_AUTH_REQUIRED);
    EXPECT_EQ(admin.getProperty(NVME_REG_VS).code(), 0x100 | NVME_SC_AUTH_REQUIRED);
    EXPECT_FALSE(target_->controllers().front().authenticated);
    ASSERT_TRUE(authenticate(admin, test::kKey256, test::kKey384));
    EXPECT_TRUE(target_->controllers().front().authenticated);
    admin.enable();
    TestHost queue = connect(1);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), 0x100 | NVME_SC_AUTH_REQUIRED);
    ASSERT_TRUE(authenticate(queue, test::kKey256));
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).code(), NVME_SC_INVALID_NS);
    ASSERT_TRUE(authenticate(queue, test::kKey256)) << "once more";
}

TEST_F(NvmeTargetAuthentication, EndsTheConnectionOfWhoHasNot) {
    TestHost host = connect();
    EXPECT_FALSE(authenticate(host, test::kPlainKey));
    EXPECT_TRUE(host.atEnd());
    EXPECT_FALSE(std::ranges::any_of(target_->controllers(), &ControllerStatus::authenticated));
}

TEST_F(NvmeTargetAuthentication, RefusesCommandsOfAnotherKind) {
    TestHost host = connect();
    auto entry = std::bit_cast<AuthenticationCommand>(command(FabricsType::AuthenticationSend, 8));
    entry.protocol = 1;
    EXPECT_EQ(host.runInCapsule(std::bit_cast<SubmissionEntry>(entry), Bytes(8)).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(host.runInCapsule(command(FabricsType::AuthenticationSend, 8000), Bytes(8000)).code(),
              NVME_SC_INVALID_FIELD);
    EXPECT_EQ(host.run(command(FabricsType::AuthenticationReceive, 1 << 20), 1 << 20).code(), NVME_SC_INVALID_FIELD);
    EXPECT_EQ(host.run(command(FabricsType::AuthenticationReceive, 0)).code(), NVME_SC_INVALID_FIELD);
}

TEST_F(NvmeTargetAuthentication, HasToBeDoneInTime) {
    TestHost host = connect();
    EXPECT_TRUE(host.atEnd());
    EXPECT_TRUE(target_->controllers().empty());
}

}  // namespace
}  // namespace mc::nvme
