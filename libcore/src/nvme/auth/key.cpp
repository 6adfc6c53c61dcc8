#include "nvme/auth/key.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <zlib.h>

#include <array>
#include <cstdint>

#include "base/base64.h"
#include "base/errors.h"
#include "base/secret_file.h"

namespace mc::nvme {
namespace {

constexpr std::string_view kPrefix = "DHHC-1:";
constexpr std::size_t kChecksumLength = 4;

/// The secret and its checksum, wiped when they are no longer needed.
class Plain {
  public:
    explicit Plain(std::string bytes) : bytes_(std::move(bytes)) {}
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() { ::OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

    std::string_view bytes() const { return bytes_; }
    std::span<const std::byte> secret() const {
        return std::as_bytes(std::span(bytes_)).first(bytes_.size() - kChecksumLength);
    }

  private:
    std::string bytes_;
};

/// In the order in which it follows the secret.
std::array<char, kChecksumLength> checksum(std::span<const std::byte> secret) {
    const auto* const from = reinterpret_cast<const Bytef*>(secret.data());
    const auto value = static_cast<std::uint32_t>(::crc32(0, from, static_cast<uInt>(secret.size())));
    std::array<char, kChecksumLength> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(value >> (8 * i));
    return bytes;
}

std::unexpected<Error> refuse(const char* why) {
    return fail(ErrorCode::InvalidArgument, fmt::format("authentication key: {}", why),
                "such a key looks like DHHC-1:01:...:; nvme gen-dhchap-key makes one");
}

}  // namespace

Result<AuthenticationKey> AuthenticationKey::parse(std::string_view text) {
    if (!text.starts_with(kPrefix)) return refuse("does not begin with \"DHHC-1:\"");
    text.remove_prefix(kPrefix.size());
    // "HH:" in front and ":" behind. The kernel and nvme-cli take it without the latter, too.
    if (text.size() < 3 || text[0] != '0' || text[1] < '0' || text[1] > '3' || text[2] != ':')
        return refuse("its hash is not one of 00, 01, 02, 03");
    const auto hash = auth::hashOf(static_cast<std::uint8_t>(text[1] - '0'));
    text.remove_prefix(3);
    if (text.ends_with(':')) text.remove_suffix(1);
    auto decoded = base64Decoded(text);
    if (!decoded) return refuse("not base64");
    const Plain plain(std::move(*decoded));
    const std::size_t size = plain.bytes().size();
    if (size != 32 + kChecksumLength && size != 48 + kChecksumLength && size != 64 + kChecksumLength)
        return refuse("its secret has not 32, 48 or 64 bytes");
    const auto expected = checksum(plain.secret());
    if (!plain.bytes().ends_with(std::string_view(expected.data(), expected.size())))
        return refuse("its checksum is wrong: mistyped, or cut off?");
    return AuthenticationKey(hash, auth::SecretBytes(plain.secret()));
}

Result<AuthenticationKey> AuthenticationKey::load(const std::string& path) {
    auto line = readSecret(path, OthersReading::Refuse);
    if (!line) return std::unexpected(line.error());
    const Plain text(std::move(*line));
    auto key = parse(text.bytes());
    if (!key) return std::unexpected(Error{ErrorCode::Config, path + ": " + key.error().message, key.error().hint});
    return key;
}

std::string AuthenticationKey::text() const {
    const auto secret = secret_.bytes();
    const auto sum = checksum(secret);
    std::string bytes;
    bytes.reserve(secret.size() + sum.size());  // Nothing of it stays behind elsewhere.
    bytes.append(reinterpret_cast<const char*>(secret.data()), secret.size()).append(sum.data(), sum.size());
    const Plain plain(std::move(bytes));
    return fmt::format("{}{:02}:{}:", kPrefix, hash_ ? static_cast<int>(*hash_) : 0, base64Encoded(plain.bytes()));
}

Result<auth::SecretBytes> AuthenticationKey::transformed(std::string_view nqn) const {
    if (!hash_) return secret_;
    const std::string data = std::string(nqn) + "NVMe-over-Fabrics";
    return auth::hmac(*hash_, secret_.bytes(), std::as_bytes(std::span(data)));
}

}  // namespace mc::nvme
