#include "nvme/auth/messages.h"

#include <functional>

#include "nvme/auth/fixture.h"

namespace mc::nvme::auth {
namespace {

using test::counting;
using test::hex;

const std::vector<std::byte> kFour = counting(4, 0xa0);
const std::vector<std::byte> kOtherFour = counting(4, 0xb0);
const std::vector<std::byte> kThree = counting(3, 0xd0);

// Base Specification 2.0, section 8.13, and include/linux/nvme.h: byte by byte.
TEST(AuthenticationMessages, AreLaidOutAsTheSpecificationSays) {
    const Hash hashes[] = {Hash::Sha256, Hash::Sha512};
    const DhGroup groups[] = {DhGroup::Null, DhGroup::Ffdhe8192};
    EXPECT_EQ(hex(encodeNegotiate(0x1234, hashes, groups)),
              "00000000"
              "3412"
              "00"
              "01"
              "01"
              "00"
              "02"
              "02" +
                  std::string("0103") + std::string(56, '0') + "0005" + std::string(56, '0'));
    EXPECT_EQ(hex(encodeChallenge(0x1234, {2, 5, 0x01020304, kFour, kThree})),
              "01010000"
              "3412"
              "04"
              "00"
              "02"
              "05"
              "0300"
              "04030201"
              "a0a1a2a3"
              "d0d1d2");
    EXPECT_EQ(hex(encodeReply(0x1234, {kFour, true, 0x01020304, kOtherFour, kThree})),
              "01020000"
              "3412"
              "04"
              "00"
              "01"
              "00"
              "0300"
              "04030201"
              "a0a1a2a3"
              "b0b1b2b3"
              "d0d1d2");
    EXPECT_EQ(hex(encodeReply(0x1234, {kFour, false, 0x01020304, kOtherFour, {}})),
              "01020000"
              "3412"
              "04"
              "00"
              "00"
              "00"
              "0000"
              "04030201"
              "a0a1a2a3"
              "00000000");
    EXPECT_EQ(hex(encodeSuccess1(0x1234, {4, true, kFour})),
              "01030000"
              "3412"
              "04"
              "00"
              "01"
              "00000000000000"
              "a0a1a2a3");
    EXPECT_EQ(hex(encodeSuccess1(0x1234, {4, false, {}})),
              "01030000"
              "3412"
              "04"
              "00"
              "00"
              "00000000000000"
              "00000000");
    EXPECT_EQ(hex(encodeSuccess2(0x1234)),
              "01040000"
              "3412"
              "00000000000000000000");
    EXPECT_EQ(hex(encodeFailure(MessageKind::Failure1, 0x1234, Explanation::HashNotUsable)),
              "00f10000"
              "3412"
              "01"
              "04");
    EXPECT_EQ(hex(encodeFailure(MessageKind::Failure2, 0x1234, Explanation::Failed)),
              "00f00000"
              "3412"
              "01"
              "01");
}

TEST(AuthenticationMessages, SayWhatWasSaid) {
    const Hash hashes[] = {Hash::Sha384, Hash::Sha256};
    const DhGroup groups[] = {DhGroup::Ffdhe4096};
    const auto negotiation = parseNegotiate(encodeNegotiate(1, hashes, groups));
    ASSERT_TRUE(negotiation);
    EXPECT_TRUE(negotiation->dh_hmac_chap);
    EXPECT_EQ(negotiation->concatenation, 0);
    EXPECT_EQ(negotiation->hashes, (std::vector<std::uint8_t>{2, 1}));
    EXPECT_EQ(negotiation->groups, (std::vector<std::uint8_t>{3}));

    const auto challenge_message = encodeChallenge(1, {2, 5, 0x01020304, kFour, kThree});
    const auto challenge = parseChallenge(challenge_message);
    ASSERT_TRUE(challenge);
    EXPECT_EQ(challenge->hash, 2);
    EXPECT_EQ(challenge->group, 5);
    EXPECT_EQ(challenge->sequence, 0x01020304U);
    EXPECT_EQ(hex(challenge->challenge), hex(kFour));
    EXPECT_EQ(hex(challenge->dh_value), hex(kThree));

    const auto reply_message = encodeReply(1, {kFour, true, 0x01020304, kOtherFour, kThree});
    const auto reply = parseReply(reply_message);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->has_challenge);
    EXPECT_EQ(reply->sequence, 0x01020304U);
    EXPECT_EQ(hex(reply->response), hex(kFour));
    EXPECT_EQ(hex(reply->challenge), hex(kOtherFour));
    EXPECT_EQ(hex(reply->dh_value), hex(kThree));

    const auto success_message = encodeSuccess1(1, {4, true, kFour});
    const auto success = parseSuccess1(success_message);
    ASSERT_TRUE(success);
    EXPECT_TRUE(success->has_response);
    EXPECT_EQ(success->hash_length, 4);
    EXPECT_EQ(hex(success->response), hex(kFour));
}

// What other programs leave out where there is no response.
TEST(AuthenticationMessages, ASuccess1WithoutResponseMayEndBeforeIt) {
    auto message = encodeSuccess1(1, {32, false, {}});
    EXPECT_EQ(message.size(), 48U);
    message.resize(16);
    const auto success = parseSuccess1(message);
    ASSERT_TRUE(success);
    EXPECT_EQ(success->hash_length, 32);
    EXPECT_FALSE(success->has_response);
}

struct Parser {
    const char* name;
    std::vector<std::byte> message;
    std::function<bool(std::span<const std::byte>)> parses;
};

std::vector<Parser> parsers() {
    const Hash hashes[] = {Hash::Sha384};
    const DhGroup groups[] = {DhGroup::Ffdhe4096};
    return {
        {"header", encodeFailure(MessageKind::Failure1, 1, Explanation::Failed),
         [](auto m) {
             return parseHeader(m.first(std::min<std::size_t>(m.size(), 6))).has_value() && parseFailure(m).has_value();
         }},
        {"negotiate", encodeNegotiate(1, hashes, groups), [](auto m) { return parseNegotiate(m).has_value(); }},
        {"challenge", encodeChallenge(1, {2, 5, 1, kFour, kThree}),
         [](auto m) { return parseChallenge(m).has_value(); }},
        {"reply", encodeReply(1, {kFour, false, 1, {}, kThree}), [](auto m) { return parseReply(m).has_value(); }},
        {"success1", encodeSuccess1(1, {4, true, kFour}), [](auto m) { return parseSuccess1(m).has_value(); }},
    };
}

TEST(AuthenticationMessages, CutOffAnywhereAreRefused) {
    for (const Parser& parser : parsers()) {
        EXPECT_TRUE(parser.parses(parser.message)) << parser.name;
        for (std::size_t size = 0; size < parser.message.size(); ++size) {
            // Its own memory, so that a sanitizer sees who reads beyond it.
            const std::vector<std::byte> part(parser.message.begin(),
                                              parser.message.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(parser.parses(part)) << parser.name << " of " << size;
        }
    }
}

TEST(AuthenticationMessages, MayBeFilledUp) {
    for (Parser& parser : parsers()) {
        parser.message.resize(4096);
        EXPECT_TRUE(parser.parses(parser.message)) << parser.name;
    }
}

TEST(AuthenticationMessages, AreRefusedForFlagsThatMeanNothing) {
    const auto reply = encodeReply(1, {kFour, true, 1, kOtherFour, {}});
    EXPECT_FALSE(parseReply(test::changed<ReplyHeader>(reply, [](auto& header) { header.has_challenge = 2; })));
    const auto success = encodeSuccess1(1, {4, true, kFour});
    EXPECT_FALSE(parseSuccess1(test::changed<Success1Header>(success, [](auto& header) { header.has_response = 2; })));
}

TEST(AuthenticationMessages, ANegotiateMayOfferOtherProtocols) {
    const Hash hashes[] = {Hash::Sha384};
    const DhGroup groups[] = {DhGroup::Ffdhe4096};
    const auto one = encodeNegotiate(1, hashes, groups);
    const std::span descriptor = std::span(one).subspan(sizeof(NegotiateHeader));
    auto message = test::changed<NegotiateHeader>(one, [](auto& header) { header.descriptors = 3; });
    message[sizeof(NegotiateHeader)] = std::byte{0x77};
    for (int i = 0; i < 2; ++i)
        message.insert(message.end(), descriptor.begin(), descriptor.end());
    // Of two for the same protocol the first counts.
    message[message.size() - 64 + 4] = std::byte{0x03};
    const auto negotiation = parseNegotiate(message);
    ASSERT_TRUE(negotiation);
    EXPECT_TRUE(negotiation->dh_hmac_chap);
    EXPECT_EQ(negotiation->hashes, (std::vector<std::uint8_t>{2}));

    const auto none = parseNegotiate(test::changed<NegotiateHeader>(one, [](auto& header) { header.descriptors = 0; }));
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->dh_hmac_chap);
}

TEST(AuthenticationMessages, ANegotiateWithMoreThanItHasRoomForIsRefused) {
    const Hash hashes[] = {Hash::Sha384};
    const DhGroup groups[] = {DhGroup::Ffdhe4096};
    for (const std::size_t field : {10U, 11U}) {
        auto message = encodeNegotiate(1, hashes, groups);
        message[field] = std::byte{30};
        EXPECT_TRUE(parseNegotiate(message));
        message[field] = std::byte{31};
        EXPECT_FALSE(parseNegotiate(message));
    }
}

}  // namespace
}  // namespace mc::nvme::auth
