#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace mc::nvme::auth {

/// Up to 64 bytes that nobody else should see, as keys and digests have them: wiped when they die.
class SecretBytes {
  public:
    static constexpr std::size_t kCapacity = 64;

    SecretBytes() = default;
    /// `size` zeros; at most kCapacity.
    explicit SecretBytes(std::size_t size) : size_(size) {}
    /// A copy; at most kCapacity.
    explicit SecretBytes(std::span<const std::byte> bytes);
    SecretBytes(const SecretBytes&) = default;
    SecretBytes& operator=(const SecretBytes&) = default;
    SecretBytes(SecretBytes&&) = default;
    SecretBytes& operator=(SecretBytes&&) = default;
    ~SecretBytes();

    std::span<std::byte> bytes() { return std::span(bytes_).first(size_); }
    std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }

    /// In a time that depends on the lengths only.
    bool equals(std::span<const std::byte> other) const;

  private:
    std::array<std::byte, kCapacity> bytes_{};
    std::size_t size_ = 0;
};

}  // namespace mc::nvme::auth
