// What a host can do wrong.
#include "nvme/auth/controller_authentication.h"
#include "nvme/auth/fixture.h"

namespace mc::nvme {
namespace {

using auth::DhGroup;
using auth::Explanation;
using auth::Hash;
using auth::MessageKind;
using test::changed;
using test::controllerOptions;
using test::expectFailure;
using test::hostOptions;

class Controller : public test::MutualProof {
  protected:
    std::vector<std::byte> negotiate() { return host_.next(); }
    /// The host's Reply; the controller waits for it.
    std::vector<std::byte> reply() {
        controller_.receive(host_.next());
        host_.receive(controller_.next());
        return host_.next();
    }
    /// The controller waits for Success2.
    void untilSuccess2() {
        controller_.receive(reply());
        host_.receive(controller_.next());
    }
    void refuses(const std::vector<std::byte>& message, Explanation explanation) {
        expectRefusal(controller_, message, MessageKind::Failure1, explanation);
    }
};

TEST_F(Controller, IsNotDoneBeforeTheHostHasWhatItAskedFor) {
    const auto message = reply();
    EXPECT_FALSE(controller_.done());
    controller_.receive(message);
    EXPECT_FALSE(controller_.done());
    host_.receive(controller_.next());
    EXPECT_FALSE(controller_.done());
    controller_.receive(host_.next());
    EXPECT_TRUE(controller_.done());
    EXPECT_TRUE(host_.done());
}

TEST_F(Controller, TellsHowMuchRoomItNeeds) {
    EXPECT_EQ(controller_.needed(), 8U);
    controller_.receive(negotiate());
    EXPECT_EQ(controller_.needed(), 16U + 32U + 256U);
    EXPECT_EQ(controller_.next().size(), 16U + 32U + 256U);
}

TEST_F(Controller, ChallengesEveryHostAnew) {
    const auto message = negotiate();
    ControllerAuthentication other(ofController());
    controller_.receive(message);
    other.receive(message);
    const auto one = controller_.next();
    const auto two = other.next();
    EXPECT_NE(test::headerOf<auth::ChallengeHeader>(one).sequence, 0U);
    EXPECT_NE(test::hex(std::span(one).subspan(16, 32)), test::hex(std::span(two).subspan(16, 32)));
    EXPECT_NE(test::hex(std::span(one).subspan(48)), test::hex(std::span(two).subspan(48)));
}

TEST_F(Controller, RefusesMessagesWithoutHeader) {
    for (const std::size_t size : {0U, 5U}) {
        controller_ = ControllerAuthentication(ofController());
        controller_.receive(test::counting(size, 0));
        expectFailure(controller_.next(), MessageKind::Failure1, Explanation::IncorrectPayload, 0);
        EXPECT_TRUE(controller_.failed());
    }
}

TEST_F(Controller, RefusesANegotiateThatIsCutOff) {
    auto message = negotiate();
    message.pop_back();
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesSecureChannels) {
    refuses(changed<auth::NegotiateHeader>(negotiate(), [](auto& header) { header.concatenation = 1; }),
            Explanation::ConcatenationMismatch);
}

TEST_F(Controller, RefusesOtherProtocols) {
    auto message = negotiate();
    message[8] = std::byte{2};
    refuses(message, Explanation::ProtocolNotUsable);
}

TEST_F(Controller, RefusesHashesThatAreNone) {
    const std::uint8_t hash = 4;
    refuses(auth::encodeNegotiate(0x1234, std::array{static_cast<Hash>(hash)}, std::array{DhGroup::Null}),
            Explanation::HashNotUsable);
}

TEST_F(Controller, RefusesGroupsThatAreNone) {
    const std::uint8_t group = 6;
    refuses(auth::encodeNegotiate(0x1234, std::array{Hash::Sha256}, std::array{static_cast<DhGroup>(group)}),
            Explanation::GroupNotUsable);
}

TEST_F(Controller, RefusesAReplyToNothing) {
    ControllerAuthentication other(ofController());
    other.receive(negotiate());
    host_.receive(other.next());
    refuses(host_.next(), Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesSuccess2ToNothing) {
    refuses(auth::encodeSuccess2(0x1234), Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesUnknownMessages) {
    refuses(changed<auth::MessageHeader>(auth::encodeSuccess2(0x1234),
                                         [](auto& header) { header.kind = static_cast<MessageKind>(0x0502); }),
            Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesItsOwnKindsOfMessages) {
    refuses(auth::encodeFailure(MessageKind::Failure1, 0x1234, Explanation::Failed), Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesASecondNegotiateInATransaction) {
    const auto message = negotiate();
    controller_.receive(message);
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesANegotiateInsteadOfAReply) {
    const auto message = negotiate();
    controller_.receive(message);
    controller_.next();
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesAReplyBeforeTheChallengeIsFetched) {
    controller_.receive(negotiate());
    refuses(auth::encodeReply(0x1234, {test::counting(32, 0), false, 1, {}, test::counting(256, 0)}),
            Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesReceivesThatComeInsteadOfSends) {
    expectFailure(controller_.next(), MessageKind::Failure1, Explanation::IncorrectMessage, 0);
    EXPECT_TRUE(controller_.failed());
}

TEST_F(Controller, RefusesASecondReceive) {
    controller_.receive(negotiate());
    EXPECT_FALSE(controller_.next().empty());
    expectFailure(controller_.next(), MessageKind::Failure1, Explanation::IncorrectMessage);
    EXPECT_TRUE(controller_.failed());
}

TEST_F(Controller, RefusesAReplyOfAnotherTransaction) {
    refuses(changed<auth::MessageHeader>(reply(), [](auto& header) { ++header.transaction; }),
            Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAReplyThatIsCutOff) {
    auto message = reply();
    message.pop_back();
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAReplyOfAnotherHashLength) {
    auto message = changed<auth::ReplyHeader>(reply(), [](auto& header) { header.hash_length = 48; });
    message.resize(4096);
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAnEmptyResponse) {
    refuses(changed<auth::ReplyHeader>(reply(), [](auto& header) { header.hash_length = 0; }),
            Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAReplyWithoutPublicValue) {
    refuses(changed<auth::ReplyHeader>(reply(), [](auto& header) { header.dh_length = 0; }),
            Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAPublicValueThatIsNone) {
    auto message = reply();
    std::fill(message.end() - 256, message.end(), std::byte{0});
    message.back() = std::byte{1};  // Would make the shared secret known to everyone.
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesAPublicValueWithoutGroup) {
    auto options = ofHost();
    options.policy.groups = {DhGroup::Null};
    host_ = HostAuthentication(options);
    auto message = changed<auth::ReplyHeader>(reply(), [](auto& header) { header.dh_length = 256; });
    message.resize(message.size() + 256);
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesEveryChangedBitOfTheResponse) {
    for (const std::size_t at : {16U, 31U, 47U}) {
        controller_ = ControllerAuthentication(ofController());
        host_ = HostAuthentication(ofHost());
        auto message = reply();
        message[at] ^= std::byte{0x10};
        refuses(message, Explanation::Failed);
    }
}

TEST_F(Controller, RefusesAnotherPublicValueThanTheOneHashed) {
    auto message = reply();
    message.back() ^= std::byte{1};
    refuses(message, Explanation::Failed);
}

TEST_F(Controller, RefusesTheReplyToAnEarlierChallenge) {
    const auto old = reply();
    controller_ = ControllerAuthentication(ofController());
    host_ = HostAuthentication(ofHost());
    static_cast<void>(reply());
    refuses(old, Explanation::Failed);
}

TEST_F(Controller, RefusesTheSameReplyTwice) {
    const auto message = reply();
    controller_.receive(message);
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesAReplyWhenAllIsDone) {
    const auto message = reply();
    controller_.receive(message);
    host_.receive(controller_.next());
    controller_.receive(host_.next());
    ASSERT_TRUE(controller_.done());
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Controller, RefusesAChallengeWithoutSequenceNumber) {
    refuses(changed<auth::ReplyHeader>(reply(), [](auto& header) { header.sequence = 0; }),
            Explanation::IncorrectPayload);
}

// Older kernels' hosts say 0 where they ask for nothing.
TEST_F(Controller, TakesTheSequenceNumber0WithoutAChallenge) {
    host_ = HostAuthentication(hostOptions());
    controller_.receive(changed<auth::ReplyHeader>(reply(), [](auto& header) { header.sequence = 0; }));
    host_.receive(controller_.next());
    EXPECT_TRUE(controller_.done());
    EXPECT_TRUE(host_.done());
}

TEST_F(Controller, RefusesSuccess2OfAnotherTransaction) {
    untilSuccess2();
    refuses(changed<auth::MessageHeader>(host_.next(), [](auto& header) { header.transaction = 7; }),
            Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesSuccess2ThatIsCutOff) {
    untilSuccess2();
    auto message = host_.next();
    message.pop_back();
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Controller, RefusesSuccess2WhereNothingWasAsked) {
    host_ = HostAuthentication(hostOptions());
    controller_.receive(reply());
    host_.receive(controller_.next());
    ASSERT_TRUE(controller_.done());
    refuses(auth::encodeSuccess2(0x1234), Explanation::IncorrectMessage);
}

TEST_F(Controller, SaysNothingMoreToAHostThatGivesUp) {
    untilSuccess2();
    controller_.receive(auth::encodeFailure(MessageKind::Failure2, 0x1234, Explanation::Failed));
    EXPECT_TRUE(controller_.failed());
    EXPECT_FALSE(controller_.hasMessage());
    EXPECT_TRUE(controller_.next().empty());
    EXPECT_EQ(controller_.reason(), "the host gives up: authentication failed");
}

TEST_F(Controller, NoLongerBelievesAHostThatGivesUpLater) {
    untilSuccess2();
    controller_.receive(host_.next());
    ASSERT_TRUE(controller_.done());
    controller_.receive(auth::encodeFailure(MessageKind::Failure2, 0x1234, Explanation::Failed));
    EXPECT_TRUE(controller_.failed());
    EXPECT_FALSE(controller_.done());
}

TEST_F(Controller, HasFailedForGood) {
    const auto first = negotiate();
    controller_.receive(auth::encodeSuccess2(0x1234));
    controller_.receive(first);
    expectFailure(controller_.next(), MessageKind::Failure1, Explanation::IncorrectMessage);
    controller_.receive(first);
    EXPECT_TRUE(controller_.next().empty());
    EXPECT_TRUE(controller_.failed());
}

}  // namespace
}  // namespace mc::nvme
