#include "nvme/auth/challenge.h"

#include <set>

#include "nvme/auth/fixture.h"

namespace mc::nvme::auth {
namespace {

const Parties kParties{test::kHostNqn, test::kSubsystemNqn};

struct Vector {
    Hash hash;
    bool dh;
    const char* host;
    const char* controller;
};

// In Python, with the keys transformed as in key_test.cpp, c = the bytes a0, a1 ... and ks = 33, 34 ..., both as
// long as the hash:
//   if dh: c = hmac.new(ks, c, h).digest()
//   hmac.new(host_key, c + struct.pack("<IHB", 0x01020304, 0x1234, 0) + b"HostHost" + host + b"\0" + subsystem, h)
//   hmac.new(ctrl_key, c + struct.pack("<IHB", 0xfffefdfc, 0x1234, 0) + b"Controller" + subsystem + b"\0" + host, h)
constexpr Vector kVectors[] = {
    {Hash::Sha256, false, "af2b8986a51fffdfd18ba26247cc24edc96ba6315481b26f456372c2a2490300",
     "d05a34846c77e316ff44fc7fc9fc4a7f5058f06056a0949d882f234c966ac28d"},
    {Hash::Sha256, true, "9a8033d1eba6a33f0e9fc971e260037bb16d6c33916e1b0eee8b3342222c3b68",
     "044750a35f14bca4adc0a504a2d3a9fdf1d65eba9e376043547c08a211e179ab"},
    {Hash::Sha384, false,
     "84d061fa9bded95d4288509cab514bc05327033e9d3c04f5579be2dfb73e2d1ffb11626993744179a232ec1ef09f461a",
     "c565193988cd2ed7b93cdfbd37e9a5d154e1ea89aef018438c17dd9aad66335a58a859862a98981c20b175f3c0b5f26d"},
    {Hash::Sha384, true,
     "b702dc8eed44bf1e4a5b4e27c9e90f414a638f4ed2da84a84c47c738ff28778dbe9bd1da24de92140e2e32665e735efb",
     "1daa9e148b823d3570d325919709599959f507f6fd1f3ebf234bd2fb9aabcd9c13d5eda0cf7ecde1318591d78f271f8f"},
    {Hash::Sha512, false,
     "48b7e1d2c9754d9f985dc4164c6242bfb745dca08227a42a20316066ca4752661ad0691afcf5e400853453ac778733d796df1a76f8047c5f6"
     "0"
     "7ed580c28ca1b4",
     "29fdaedaee08e542eb6680549b301d9d4dff3fdb0731e2106c70cd22fd92de988bcab7cc2190ca8087067886362d08f2b2e82e6a13879dec6"
     "a"
     "2f38a8fba6573f"},
    {Hash::Sha512, true,
     "9b03c8626d2ba1bba54b96242b082bc112e39c58401f4bcc9bdd7f320b611bcd73d2173c0ca7c6921d64a4f03c7c1ce754b399285355c73f4"
     "a"
     "a4ce37c2f0d4b5",
     "91fc12b075310e646065d180bd7f62dd194b663bd43565e27773bfe2bda3d3a2cb22c7949642a99a31ae810555af9d9817bd33c05ad2a0741"
     "b"
     "71da7d893c2ff5"},
};

TEST(ChallengeResponse, IsThatOfTheSpecification) {
    for (const Vector& vector : kVectors) {
        const std::size_t length = lengthOf(vector.hash);
        Transaction transaction{.id = 0x1234, .hash = vector.hash};
        if (vector.dh) transaction.session_key = SecretBytes(test::counting(length, 0x33));
        const SecretBytes value(test::counting(length, 0xa0));
        const auto host = hostResponse(test::keyOf(test::kKey256), kParties, transaction, {0x01020304, value});
        ASSERT_TRUE(host);
        EXPECT_EQ(test::hex(host->bytes()), vector.host) << toString(vector.hash) << vector.dh;
        const auto controller =
            controllerResponse(test::keyOf(test::kKey384), kParties, transaction, {0xfffefdfc, value});
        ASSERT_TRUE(controller);
        EXPECT_EQ(test::hex(controller->bytes()), vector.controller) << toString(vector.hash) << vector.dh;
    }
}

TEST(Challenge, IsAnotherEachTimeAndHasASequenceNumber) {
    std::set<std::string> values;
    for (int i = 0; i < 100; ++i) {
        const auto challenge = newChallenge(Hash::Sha384);
        ASSERT_TRUE(challenge);
        EXPECT_NE(challenge->sequence, 0U);
        EXPECT_EQ(challenge->value.bytes().size(), 48U);
        values.insert(test::hex(challenge->value.bytes()));
    }
    EXPECT_EQ(values.size(), 100U);
}

}  // namespace
}  // namespace mc::nvme::auth
