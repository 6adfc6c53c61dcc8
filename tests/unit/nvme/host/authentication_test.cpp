// Controllers that don't say why they end an authentication: the user has to learn it anyway.
#include <gmock/gmock.h>

#include <bit>

#include "nvme/auth/messages.h"
#include "nvme/host/host_fixture.h"
#include "nvme/host/scripted_target.h"

namespace mc::nvme::host::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Keys of 32 bytes, made by nvme gen-dhchap-key.
constexpr const char* kHostKey = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
constexpr const char* kControllerKey = "DHHC-1:00:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj/jBqb2:";
constexpr std::size_t kHashLength = 32;  // SHA-256.

/// Which of the host's messages the controller does not answer any more.
enum class Message : std::uint8_t { Negotiate = 1, Reply = 2, Last = 3 };

/// Goes along with DH-HMAC-CHAP on the admin queue, without keys, until that message has come; then does `ending`.
class Challenger {
  public:
    Challenger(Message last, std::function<void(PduSocket&, const SubmissionEntry&)> ending)
        : last_(last), ending_(std::move(ending)) {}

    bool operator()(PduSocket& socket, const SubmissionEntry& entry) {
        if (entry.opcode != kFabricsOpcode) return false;
        const auto command = std::bit_cast<AuthenticationCommand>(entry);
        if (command.type == FabricsType::AuthenticationSend) {
            ++sent_;
            sent_ == std::to_underlying(last_) ? ending_(socket, entry) : socket.answer(entry.command_id);
            return true;
        }
        if (command.type != FabricsType::AuthenticationReceive) return false;
        const Bytes zeros(kHashLength);
        const Bytes message =
            sent_ == 1 ? auth::encodeChallenge(0, {.hash = std::to_underlying(auth::Hash::Sha256),
                                                   .group = std::to_underlying(auth::DhGroup::Null),
                                                   .sequence = 1,
                                                   .challenge = zeros,
                                                   .dh_value = {}})
                       : auth::encodeSuccess1(0, {.hash_length = kHashLength, .has_response = true, .response = zeros});
        socket.sendData(entry.command_id, 0, message);
        return true;
    }

  private:
    const Message last_;
    const std::function<void(PduSocket&, const SubmissionEntry&)> ending_;
    int sent_ = 0;
};

Error errorOf(Challenger challenger, const std::string& controller_key = {}) {
    ScriptedTarget target([](PduSocket&) {}, std::move(challenger));
    target.connect_result = 1 | auth::kAuthenticationRequired;
    HostOptions options;
    options.key = kHostKey;
    options.controller_key = controller_key;
    Host host(options);
    host.connect(target.port(), "nqn.test");
    EXPECT_FALSE(host.ready());
    EXPECT_EQ(host.state, HostController::State::Gone);
    return host.last_error;
}

constexpr auto kEnd = [](PduSocket& socket, const SubmissionEntry&) { socket.end(); };

void expectOurKeyIsBlamed(const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::NotPermitted);
    EXPECT_EQ(exitCode(error.code), ExitCode::NotPermitted);
    EXPECT_THAT(error.message, AllOf(HasSubstr("authentication with nqn.test"), HasSubstr("ended the connection"),
                                     HasSubstr("most likely because our key")));
    EXPECT_THAT(error.hint, HasSubstr(Host::kNqn));
}

TEST(HostAuthenticationEnd, InsteadOfAVerdictIsOurKeysFault) {
    expectOurKeyIsBlamed(errorOf({Message::Reply, kEnd}));
    expectOurKeyIsBlamed(errorOf({Message::Reply, [](PduSocket& socket, const SubmissionEntry&) { socket.reset(); }}));
    // As the Linux kernel's target does it: the answer to our proof is that it has come.
    expectOurKeyIsBlamed(errorOf({Message::Reply, [](PduSocket& socket, const SubmissionEntry& entry) {
                                      socket.answer(entry.command_id);
                                      (void)socket.receiveCommand();
                                      socket.end();
                                  }}));
}

TEST(HostAuthenticationEnd, BeforeOurProofIsAnEndLikeAnyOther) {
    const Error error = errorOf({Message::Negotiate, kEnd});
    EXPECT_EQ(error.code, ErrorCode::Unavailable);
    EXPECT_THAT(error.message, HasSubstr("closed the connection"));
}

TEST(HostAuthenticationEnd, ThatWeCausedIsToldAsWeMeanIt) {
    const Error error = errorOf({Message::Last, kEnd}, kControllerKey);
    EXPECT_EQ(error.code, ErrorCode::NotPermitted);
    EXPECT_THAT(error.message, HasSubstr("the controller's response is wrong"));
}

TEST(HostAuthenticationEnd, ByABrokenProtocolIsToldAsThat) {
    const Error error = errorOf({Message::Reply, [](PduSocket& socket, const SubmissionEntry& entry) {
                                     socket.answer(static_cast<std::uint16_t>(entry.command_id + 1));
                                 }});
    EXPECT_EQ(error.code, ErrorCode::Protocol);
}

}  // namespace
}  // namespace mc::nvme::host::test
