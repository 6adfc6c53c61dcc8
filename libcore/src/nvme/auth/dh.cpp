#include "nvme/auth/dh.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/errors.h"

namespace mc::nvme::auth {
namespace {

template <auto kFree>
struct Freeing {
    template <typename T>
    void operator()(T* object) const {
        kFree(object);
    }
};
using Context = std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freeing<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freeing<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freeing<OSSL_PARAM_free>>;

/// What OpenSSL complained of is told by our own error; whoever uses it next in this thread shall not find it.
std::unexpected<Error> refuse(ErrorCode code, DhGroup group, const char* what) {
    ::ERR_clear_error();
    return fail(code, fmt::format("{}: {}", toString(group), what));
}

unsigned char* raw(std::vector<std::byte>& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

std::vector<std::byte> exportPublic(DhGroup group, const EVP_PKEY* key) {
    BIGNUM* number = nullptr;
    if (::EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PUB_KEY, &number) != 1) return {};
    const Number owner(number);
    std::vector<std::byte> value(lengthOf(group));
    if (::BN_bn2binpad(number, raw(value), static_cast<int>(value.size())) < 0) return {};
    return value;
}

}  // namespace

std::optional<DhGroup> dhGroupOf(std::uint8_t number) {
    if (number > static_cast<std::uint8_t>(DhGroup::Ffdhe8192)) return std::nullopt;
    return static_cast<DhGroup>(number);
}

std::size_t lengthOf(DhGroup group) {
    switch (group) {
        case DhGroup::Null:
            return 0;
        case DhGroup::Ffdhe2048:
            return 256;
        case DhGroup::Ffdhe3072:
            return 384;
        case DhGroup::Ffdhe4096:
            return 512;
        case DhGroup::Ffdhe6144:
            return 768;
        case DhGroup::Ffdhe8192:
            return 1024;
    }
    return 0;
}

const char* toString(DhGroup group) {
    switch (group) {
        case DhGroup::Null:
            return "null";
        case DhGroup::Ffdhe2048:
            return "ffdhe2048";
        case DhGroup::Ffdhe3072:
            return "ffdhe3072";
        case DhGroup::Ffdhe4096:
            return "ffdhe4096";
        case DhGroup::Ffdhe6144:
            return "ffdhe6144";
        case DhGroup::Ffdhe8192:
            return "ffdhe8192";
    }
    return "none";
}

void DhKey::Free::operator()(evp_pkey_st* key) const {
    ::EVP_PKEY_free(key);
}

DhKey::DhKey(DhGroup group, Key key, std::vector<std::byte> value)
    : group_(group), key_(std::move(key)), public_(std::move(value)) {}

Result<DhKey> DhKey::generate(DhGroup group) {
    const Context context(::EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
    EVP_PKEY* made = nullptr;
    if (!context || ::EVP_PKEY_keygen_init(context.get()) != 1 ||
        ::EVP_PKEY_CTX_set_group_name(context.get(), toString(group)) != 1 ||
        ::EVP_PKEY_generate(context.get(), &made) != 1) {
        return refuse(ErrorCode::Internal, group, "OpenSSL made no key");
    }
    Key key(made);
    auto value = exportPublic(group, made);
    if (value.empty()) return refuse(ErrorCode::Internal, group, "OpenSSL made a key without a public value");
    return DhKey(group, std::move(key), std::move(value));
}

DhKey::Key DhKey::importPublic(DhGroup group, std::span<const std::byte> value) {
    const Number number(
        ::BN_bin2bn(reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()), nullptr));
    const Builder builder(::OSSL_PARAM_BLD_new());
    if (!number || !builder ||
        ::OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, toString(group), 0) != 1 ||
        ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, number.get()) != 1) {
        return nullptr;
    }
    const Parameters parameters(::OSSL_PARAM_BLD_to_param(builder.get()));
    const Context context(::EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
    EVP_PKEY* made = nullptr;
    if (!parameters || !context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
        ::EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        return nullptr;
    }
    Key key(made);
    // Within 2 .. p-2, which is all there is to ask in these groups: their moduli are safe primes (RFC 7919, 5.1).
    const Context check(::EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
    if (!check || ::EVP_PKEY_public_check_quick(check.get()) != 1) return nullptr;
    return key;
}

Result<SecretBytes> DhKey::sessionKey(Hash hash, std::span<const std::byte> peer) const {
    if (peer.size() != lengthOf(group_)) return refuse(ErrorCode::BadData, group_, "a public value of another length");
    const Key other = importPublic(group_, peer);
    if (!other) return refuse(ErrorCode::BadData, group_, "a public value that is none");
    const Context context(::EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    std::vector<std::byte> shared(lengthOf(group_));
    std::size_t length = shared.size();
    // Padded: the digest is that of the whole length, leading zeros included, at the kernel's side, too.
    if (!context || ::EVP_PKEY_derive_init(context.get()) != 1 || ::EVP_PKEY_CTX_set_dh_pad(context.get(), 1) != 1 ||
        ::EVP_PKEY_derive_set_peer_ex(context.get(), other.get(), 0) != 1 ||
        ::EVP_PKEY_derive(context.get(), raw(shared), &length) != 1 || length != shared.size()) {
        ::OPENSSL_cleanse(shared.data(), shared.size());
        return refuse(ErrorCode::Internal, group_, "OpenSSL found no shared secret");
    }
    auto key = digest(hash, shared);
    ::OPENSSL_cleanse(shared.data(), shared.size());
    return key;
}

}  // namespace mc::nvme::auth
