#include "nvme/auth/dh.h"

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>

#include "nvme/auth/fixture.h"

namespace mc::nvme::auth {
namespace {

constexpr DhGroup kGroups[] = {DhGroup::Ffdhe2048, DhGroup::Ffdhe3072, DhGroup::Ffdhe4096, DhGroup::Ffdhe6144,
                               DhGroup::Ffdhe8192};

struct FreeNumber {
    void operator()(BIGNUM* number) const { ::BN_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

Number numberOf(std::span<const std::byte> bytes) {
    return Number(
        ::BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
}

std::vector<std::byte> bytesOf(const Number& number, std::size_t size) {
    std::vector<std::byte> bytes(size);
    EXPECT_EQ(::BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)),
              static_cast<int>(size));
    return bytes;
}

Number modulusOf(DhGroup group) {
    EVP_PKEY_CTX* context = ::EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
    EVP_PKEY* key = nullptr;
    BIGNUM* modulus = nullptr;
    EXPECT_EQ(::EVP_PKEY_keygen_init(context), 1);
    EXPECT_EQ(::EVP_PKEY_CTX_ctrl_str(context, "group", toString(group)), 1);
    EXPECT_EQ(::EVP_PKEY_generate(context, &key), 1);
    EXPECT_EQ(::EVP_PKEY_get_bn_param(key, "p", &modulus), 1);
    ::EVP_PKEY_free(key);
    ::EVP_PKEY_CTX_free(context);
    return Number(modulus);
}

/// base ^ exponent mod modulus.
Number power(const Number& base, const Number& exponent, const Number& modulus) {
    BN_CTX* context = ::BN_CTX_new();
    Number result(::BN_new());
    EXPECT_EQ(::BN_mod_exp(result.get(), base.get(), exponent.get(), modulus.get(), context), 1);
    ::BN_CTX_free(context);
    return result;
}

Number small(unsigned long value) {
    Number number(::BN_new());
    EXPECT_EQ(::BN_set_word(number.get(), value), 1);
    return number;
}

// RFC 7919: the generator is 2, and all moduli begin and end with 64 ones.
TEST(DhKey, SharesWhatTheArithmeticSays) {
    for (const DhGroup group : kGroups) {
        SCOPED_TRACE(toString(group));
        const std::size_t length = lengthOf(group);
        const Number modulus = modulusOf(group);
        const auto edges = bytesOf(modulus, length);
        EXPECT_EQ(test::hex(std::span(edges).first(8)), "ffffffffffffffff");
        EXPECT_EQ(test::hex(std::span(edges).last(8)), "ffffffffffffffff");
        const auto key = DhKey::generate(group);
        ASSERT_TRUE(key) << key.error().message;
        EXPECT_EQ(key->publicValue().size(), length);
        const Number exponent = numberOf(test::counting(32, 0x51));
        const auto shared = bytesOf(power(numberOf(key->publicValue()), exponent, modulus), length);
        for (const Hash hash : {Hash::Sha256, Hash::Sha384, Hash::Sha512}) {
            const auto session = key->sessionKey(hash, bytesOf(power(small(2), exponent, modulus), length));
            ASSERT_TRUE(session) << session.error().message;
            EXPECT_TRUE(session->equals(digest(hash, shared)->bytes())) << toString(hash);
        }
    }
}

TEST(DhKey, AgreesWithAnother) {
    for (const DhGroup group : kGroups) {
        const auto one = DhKey::generate(group);
        const auto other = DhKey::generate(group);
        ASSERT_TRUE(one && other);
        const auto left = one->sessionKey(Hash::Sha512, other->publicValue());
        const auto right = other->sessionKey(Hash::Sha512, one->publicValue());
        ASSERT_TRUE(left && right);
        EXPECT_TRUE(left->equals(right->bytes())) << toString(group);
        EXPECT_NE(test::hex(one->publicValue()), test::hex(other->publicValue()));
    }
}

// One shared secret in 256 begins with a zero, which is hashed, too.
TEST(DhKey, KeepsLeadingZeros) {
    constexpr DhGroup kGroup = DhGroup::Ffdhe2048;
    const Number modulus = modulusOf(kGroup);
    const auto key = DhKey::generate(kGroup);
    ASSERT_TRUE(key);
    const Number base = numberOf(key->publicValue());
    for (unsigned long exponent = 2; exponent < 100000; ++exponent) {
        const auto shared = bytesOf(power(base, small(exponent), modulus), lengthOf(kGroup));
        if (shared[0] != std::byte{0}) continue;
        const auto peer = bytesOf(power(small(2), small(exponent), modulus), lengthOf(kGroup));
        const auto session = key->sessionKey(Hash::Sha256, peer);
        ASSERT_TRUE(session);
        EXPECT_TRUE(session->equals(digest(Hash::Sha256, shared)->bytes()));
        return;
    }
    FAIL() << "no shared secret with a leading zero";
}

TEST(DhKey, RefusesWhatIsNoPublicValue) {
    for (const DhGroup group : kGroups) {
        SCOPED_TRACE(toString(group));
        const std::size_t length = lengthOf(group);
        const auto key = DhKey::generate(group);
        ASSERT_TRUE(key);
        const Number modulus = modulusOf(group);
        const Number last = modulusOf(group);
        ASSERT_EQ(::BN_sub_word(last.get(), 1), 1);
        const std::vector<std::byte> bad[] = {
            std::vector<std::byte>(length),                   // 0
            bytesOf(small(1), length),                        // Nothing secret: 1 for every exponent.
            bytesOf(last, length),                            // p-1: 1 or p-1.
            bytesOf(modulus, length),                         // p
            std::vector<std::byte>(length, std::byte{0xff}),  // Greater.
            {},                                               // None.
            test::counting(length - 1, 1),                    // Of another group.
            test::counting(length + 1, 1),
        };
        for (const auto& value : bad) {
            const auto session = key->sessionKey(Hash::Sha256, value);
            ASSERT_FALSE(session) << test::hex(value);
            EXPECT_EQ(session.error().code, ErrorCode::BadData);
        }
    }
}

TEST(DhGroup, HasTheNumbersOfTheSpecification) {
    EXPECT_EQ(dhGroupOf(0), DhGroup::Null);
    EXPECT_EQ(dhGroupOf(1), DhGroup::Ffdhe2048);
    EXPECT_EQ(dhGroupOf(5), DhGroup::Ffdhe8192);
    EXPECT_EQ(dhGroupOf(6), std::nullopt);
    EXPECT_EQ(dhGroupOf(255), std::nullopt);
    EXPECT_EQ(hashOf(0), std::nullopt);
    EXPECT_EQ(hashOf(1), Hash::Sha256);
    EXPECT_EQ(hashOf(3), Hash::Sha512);
    EXPECT_EQ(hashOf(4), std::nullopt);
}

}  // namespace
}  // namespace mc::nvme::auth
