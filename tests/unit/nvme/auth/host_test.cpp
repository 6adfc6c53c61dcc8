// What a controller can do wrong.
#include "nvme/auth/fixture.h"
#include "nvme/auth/host_authentication.h"

namespace mc::nvme {
namespace {

using auth::DhGroup;
using auth::Explanation;
using auth::Hash;
using auth::MessageKind;
using test::changed;
using test::expectFailure;

class Host : public test::MutualProof {
  protected:
    /// The controller's Challenge; the host waits for it.
    std::vector<std::byte> challenge() {
        controller_.receive(host_.next());
        return controller_.next();
    }
    /// The controller's Success1; the host waits for it.
    std::vector<std::byte> success1() {
        host_.receive(challenge());
        controller_.receive(host_.next());
        return controller_.next();
    }
    void refuses(const std::vector<std::byte>& message, Explanation explanation) {
        expectRefusal(host_, message, MessageKind::Failure2, explanation);
    }
};

TEST_F(Host, OffersAllThatItsPolicyHas) {
    const auto negotiation = auth::parseNegotiate(host_.next());
    ASSERT_TRUE(negotiation);
    EXPECT_EQ(negotiation->hashes, (std::vector<std::uint8_t>{1, 2, 3}));
    EXPECT_EQ(negotiation->groups, (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 0}));
    EXPECT_TRUE(host_.next().empty());
}

TEST_F(Host, IsNotDoneBeforeTheControllerIsToldSo) {
    host_.receive(success1());
    EXPECT_FALSE(host_.done());
    EXPECT_TRUE(host_.hasMessage());
    EXPECT_EQ(test::headerOf<auth::MessageHeader>(host_.next()).kind, MessageKind::Success2);
    EXPECT_TRUE(host_.done());
}

TEST_F(Host, ChallengesEveryControllerAnew) {
    const auto message = challenge();
    host_.receive(message);
    const auto one = host_.next();
    host_ = HostAuthentication(ofHost());
    static_cast<void>(host_.next());
    host_.receive(message);
    const auto two = host_.next();
    EXPECT_NE(test::headerOf<auth::ReplyHeader>(one).sequence, 0U);
    EXPECT_NE(test::hex(std::span(one).subspan(48, 32)), test::hex(std::span(two).subspan(48, 32)));
    EXPECT_NE(test::hex(std::span(one).subspan(80)), test::hex(std::span(two).subspan(80)));
}

TEST_F(Host, RefusesAMessageWithoutHeader) {
    static_cast<void>(host_.next());
    refuses(test::counting(5, 0), Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesAChallengeBeforeItHasNegotiated) {
    HostAuthentication other(ofHost());
    controller_.receive(other.next());
    refuses(controller_.next(), Explanation::IncorrectMessage);
}

TEST_F(Host, RefusesSuccessWithoutChallenge) {
    static_cast<void>(challenge());
    refuses(auth::encodeSuccess1(0x1234, {32, false, {}}), Explanation::IncorrectMessage);
}

TEST_F(Host, RefusesASecondChallenge) {
    const auto message = challenge();
    host_.receive(message);
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Host, RefusesAChallengeInsteadOfSuccess) {
    const auto message = challenge();
    host_.receive(message);
    static_cast<void>(host_.next());
    refuses(message, Explanation::IncorrectMessage);
}

TEST_F(Host, RefusesAChallengeOfAnotherTransaction) {
    refuses(changed<auth::MessageHeader>(challenge(), [](auto& header) { ++header.transaction; }),
            Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesAChallengeThatIsCutOff) {
    auto message = challenge();
    message.pop_back();
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesAChallengeWithoutSequenceNumber) {
    refuses(changed<auth::ChallengeHeader>(challenge(), [](auto& header) { header.sequence = 0; }),
            Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesHashesThatAreNone) {
    for (const int hash : {0, 4, 255}) {
        host_ = HostAuthentication(ofHost());
        controller_ = ControllerAuthentication(ofController());
        refuses(changed<auth::ChallengeHeader>(challenge(),
                                               [&](auto& header) { header.hash = static_cast<std::uint8_t>(hash); }),
                Explanation::HashNotUsable);
    }
}

TEST_F(Host, RefusesHashesThatItHasNotOffered) {
    auto ours = ofHost();
    ours.policy.hashes = {Hash::Sha256};
    host_ = HostAuthentication(ours);
    refuses(changed<auth::ChallengeHeader>(challenge(), [](auto& header) { header.hash = 2; }),
            Explanation::HashNotUsable);
}

TEST_F(Host, RefusesGroupsThatAreNone) {
    refuses(changed<auth::ChallengeHeader>(challenge(), [](auto& header) { header.group = 6; }),
            Explanation::GroupNotUsable);
}

// Whoever is in between must not get rid of the exchange.
TEST_F(Host, RefusesNoGroupWhereItHasOfferedOne) {
    auto ours = ofHost();
    ours.policy.groups = {DhGroup::Ffdhe2048};
    host_ = HostAuthentication(ours);
    auto message = changed<auth::ChallengeHeader>(challenge(), [](auto& header) {
        header.group = 0;
        header.dh_length = 0;
    });
    refuses(message, Explanation::GroupNotUsable);
}

TEST_F(Host, RefusesAChallengeOfAnotherLength) {
    auto message = changed<auth::ChallengeHeader>(challenge(), [](auto& header) { header.hash_length = 48; });
    message.resize(4096);
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesAPublicValueOfAnotherLength) {
    for (const int length : {0, 255, 384}) {
        host_ = HostAuthentication(ofHost());
        controller_ = ControllerAuthentication(ofController());
        auto message = changed<auth::ChallengeHeader>(
            challenge(), [&](auto& header) { header.dh_length = static_cast<std::uint16_t>(length); });
        message.resize(4096);
        refuses(message, Explanation::IncorrectPayload);
    }
}

TEST_F(Host, RefusesAPublicValueThatIsNone) {
    auto message = challenge();
    std::fill(message.end() - 256, message.end(), std::byte{0});
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesSuccess1OfAnotherTransaction) {
    refuses(changed<auth::MessageHeader>(success1(), [](auto& header) { ++header.transaction; }),
            Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesSuccess1ThatIsCutOff) {
    auto message = success1();
    message.pop_back();
    refuses(message, Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesSuccess1OfAnotherHashLength) {
    refuses(changed<auth::Success1Header>(success1(), [](auto& header) { header.hash_length = 16; }),
            Explanation::IncorrectPayload);
}

TEST_F(Host, RefusesAControllerThatDoesNotProveWhoItIs) {
    refuses(changed<auth::Success1Header>(success1(), [](auto& header) { header.has_response = 0; }),
            Explanation::Failed);
}

TEST_F(Host, RefusesEveryChangedBitOfTheResponse) {
    for (const std::size_t at : {16U, 31U, 47U}) {
        host_ = HostAuthentication(ofHost());
        controller_ = ControllerAuthentication(ofController());
        auto message = success1();
        message[at] ^= std::byte{0x10};
        refuses(message, Explanation::Failed);
    }
}

TEST_F(Host, RefusesItsOwnResponseSentBack) {
    host_.receive(challenge());
    const auto reply = host_.next();
    refuses(auth::encodeSuccess1(0x1234, {32, true, std::span(reply).subspan(16, 32)}), Explanation::Failed);
}

TEST_F(Host, RefusesAResponseThatItHasNotAskedFor) {
    host_ = HostAuthentication(test::hostOptions());
    static_cast<void>(success1());
    refuses(auth::encodeSuccess1(0x1234, {32, true, test::counting(32, 0)}), Explanation::IncorrectPayload);
}

TEST_F(Host, ReportsWhyTheControllerRefuses) {
    static_cast<void>(host_.next());
    host_.receive(auth::encodeFailure(MessageKind::Failure1, 0x1234, Explanation::HashNotUsable));
    EXPECT_TRUE(host_.failed());
    EXPECT_FALSE(host_.hasMessage());
    EXPECT_EQ(host_.reason(), "refused by the controller: hash function not usable");
}

TEST_F(Host, ReportsARefusalWithoutReason) {
    static_cast<void>(host_.next());
    host_.receive(auth::encodeFailure(MessageKind::Failure1, 0x1234, static_cast<Explanation>(99)));
    EXPECT_EQ(host_.reason(), "refused by the controller: an unknown reason");
    host_ = HostAuthentication(ofHost());
    auto cut_off = auth::encodeFailure(MessageKind::Failure1, 0x1234, Explanation::Failed);
    cut_off.resize(6);
    host_.receive(cut_off);
    EXPECT_EQ(host_.reason(), "refused by the controller: no reason given");
}

TEST_F(Host, HasFailedForGood) {
    const auto message = challenge();
    host_.receive(auth::encodeFailure(MessageKind::Failure1, 0x1234, Explanation::Failed));
    host_.receive(message);
    EXPECT_TRUE(host_.failed());
    EXPECT_TRUE(host_.next().empty());
}

}  // namespace
}  // namespace mc::nvme
