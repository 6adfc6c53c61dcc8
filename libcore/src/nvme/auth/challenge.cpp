#include "nvme/auth/challenge.h"

#include <openssl/rand.h>

#include "base/errors.h"

namespace mc::nvme::auth {
namespace {

bool randomize(std::span<std::byte> bytes) {
    return ::RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) == 1;
}

template <typename T>
void appendLittleEndian(std::string& text, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        text.push_back(static_cast<char>(value >> (8 * i)));
}

/// In the order in which it is hashed.
struct Answer {
    std::string_view role;
    std::string_view answering_nqn;
    std::string_view asking_nqn;
};

Result<SecretBytes> respond(const AuthenticationKey& key, const Answer& answer, const Transaction& transaction,
                            const Challenge& challenge) {
    SecretBytes value = challenge.value;
    if (transaction.session_key) {
        auto augmented = hmac(transaction.hash, transaction.session_key->bytes(), value.bytes());
        if (!augmented) return augmented;
        value = *augmented;
    }
    const auto transformed = key.transformed(answer.answering_nqn);
    if (!transformed) return transformed;
    const auto bytes = value.bytes();
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    appendLittleEndian(text, challenge.sequence);
    appendLittleEndian(text, transaction.id);
    text.push_back('\0');  // SC_C: no secure channel is made of it.
    text.append(answer.role).append(answer.answering_nqn).push_back('\0');
    text.append(answer.asking_nqn);
    return hmac(transaction.hash, transformed->bytes(), std::as_bytes(std::span(text)));
}

}  // namespace

Result<Challenge> newChallenge(Hash hash) {
    Challenge challenge{.value = SecretBytes(lengthOf(hash))};
    bool done = randomize(challenge.value.bytes());
    while (done && challenge.sequence == 0)
        done = randomize(std::as_writable_bytes(std::span(&challenge.sequence, 1)));
    if (!done) return fail(ErrorCode::Internal, "no random numbers from OpenSSL");
    return challenge;
}

Result<SecretBytes> hostResponse(const AuthenticationKey& key, const Parties& parties, const Transaction& transaction,
                                 const Challenge& challenge) {
    const Answer answer{"HostHost", parties.host_nqn, parties.subsystem_nqn};
    return respond(key, answer, transaction, challenge);
}

Result<SecretBytes> controllerResponse(const AuthenticationKey& key, const Parties& parties,
                                       const Transaction& transaction, const Challenge& challenge) {
    const Answer answer{"Controller", parties.subsystem_nqn, parties.host_nqn};
    return respond(key, answer, transaction, challenge);
}

}  // namespace mc::nvme::auth
