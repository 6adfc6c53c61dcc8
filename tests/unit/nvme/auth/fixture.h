#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "nvme/auth/controller_authentication.h"
#include "nvme/auth/host_authentication.h"

namespace mc::nvme::test {

inline constexpr const char* kHostNqn = "nqn.2014-08.org.nvmexpress:uuid:6a0b1f9e-0d5c-4a29-9c3e-3b5d1c1f0a01";
inline constexpr const char* kSubsystemNqn = "nqn.2024-01.io.test:auth";

// Secrets of the bytes 0, 1, 2 ..., 32, 48 and 64 of them; in Python:
//   "DHHC-1:%02d:%s:" % (hash, base64.b64encode(s + struct.pack("<I", zlib.crc32(s))).decode())
inline constexpr const char* kPlainKey = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
inline constexpr const char* kKey256 = "DHHC-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
inline constexpr const char* kKey384 =
    "DHHC-1:02:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vcSEgBQ==:";
inline constexpr const char* kKey512 =
    "DHHC-1:03:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P4zODhA=:";

inline AuthenticationKey keyOf(std::string_view text) {
    auto key = AuthenticationKey::parse(text);
    if (!key) throw std::runtime_error(key.error().message);
    return *key;
}

inline std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
        text += kDigits[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
}

/// `size` bytes: first, first + 1 ...
inline std::vector<std::byte> counting(std::size_t size, unsigned first) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(first + i);
    return bytes;
}

inline ControllerAuthenticationOptions controllerOptions() {
    return {kHostNqn, kSubsystemNqn, keyOf(kKey256), std::nullopt, {}};
}

inline HostAuthenticationOptions hostOptions() {
    return {kHostNqn, kSubsystemNqn, keyOf(kKey256), std::nullopt, 0x1234, {}};
}

/// The fixed beginning of a message, to be read or changed.
template <typename T>
T headerOf(const std::vector<std::byte>& message) {
    T header{};
    if (message.size() < sizeof header) throw std::runtime_error("a message of " + std::to_string(message.size()));
    std::memcpy(&header, message.data(), sizeof header);
    return header;
}

template <typename T, typename Change>
std::vector<std::byte> changed(std::vector<std::byte> message, Change change) {
    T header = headerOf<T>(message);
    change(header);
    std::memcpy(message.data(), &header, sizeof header);
    return message;
}

/// `message` is the failure with `kind`, of that transaction and reason.
inline void expectFailure(const std::vector<std::byte>& message, auth::MessageKind kind, auth::Explanation explanation,
                          std::uint16_t transaction = 0x1234) {
    ASSERT_EQ(message.size(), sizeof(auth::FailureMessage));
    const auto failure = headerOf<auth::FailureMessage>(message);
    EXPECT_EQ(failure.header.kind, kind);
    EXPECT_EQ(failure.header.transaction, transaction);
    EXPECT_EQ(failure.reason, 1);
    EXPECT_STREQ(toString(failure.explanation), toString(explanation));
}

/// Two sides that prove themselves to each other.
class MutualProof : public testing::Test {
  protected:
    static ControllerAuthenticationOptions ofController() {
        auto options = controllerOptions();
        options.controller_key = keyOf(kKey384);
        return options;
    }
    static HostAuthenticationOptions ofHost() {
        auto options = hostOptions();
        options.controller_key = keyOf(kKey384);
        return options;
    }
    /// The side ends with that message, and says why in one of `kind`.
    template <typename Side>
    static void expectRefusal(Side& side, const std::vector<std::byte>& message, auth::MessageKind kind,
                              auth::Explanation explanation) {
        side.receive(message);
        EXPECT_TRUE(side.failed());
        EXPECT_FALSE(side.done());
        EXPECT_FALSE(side.reason().empty());
        expectFailure(side.next(), kind, explanation);
        EXPECT_TRUE(side.failed());
        EXPECT_TRUE(side.next().empty());
    }

    ControllerAuthentication controller_{ofController()};
    HostAuthentication host_{ofHost()};
};

}  // namespace mc::nvme::test
