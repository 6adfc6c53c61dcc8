#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace mc {
namespace {

std::vector<std::byte> bytes(std::size_t count, auto value) {
    std::vector<std::byte> data(count);
    for (std::size_t i = 0; i < count; ++i)
        data[i] = static_cast<std::byte>(value(i));
    return data;
}

// The examples of RFC 3720, appendix B.4, whose checksums stand there byte by byte, the lowest first.
TEST(Crc32c, IsThatOfTheStandardsExamples) {
    EXPECT_EQ(crc32c(bytes(32, [](std::size_t) { return 0x00; })), 0x8a9136aaU);
    EXPECT_EQ(crc32c(bytes(32, [](std::size_t) { return 0xff; })), 0x62a8ab43U);
    EXPECT_EQ(crc32c(bytes(32, [](std::size_t i) { return i; })), 0x46dd794eU);
    EXPECT_EQ(crc32c(bytes(32, [](std::size_t i) { return 31 - i; })), 0x113fdb5cU);
    constexpr std::array<unsigned char, 48> kScsiRead{0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
                                                      0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                                      0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
    EXPECT_EQ(crc32c(std::as_bytes(std::span(kScsiRead))), 0xd9963a56U);
}

TEST(Crc32c, OfNothingIsZero) {
    EXPECT_EQ(crc32c({}), 0);
    EXPECT_EQ(crc32c({}, 0x12345678), 0x12345678U);
}

TEST(Crc32c, GoesOnFromWhatCameBefore) {
    const auto data = bytes(5000, [](std::size_t i) { return i * 7; });
    const std::span<const std::byte> all(data);
    const std::uint32_t whole = crc32c(all);
    for (const std::size_t cut : {0UZ, 1UZ, 3UZ, 8UZ, 511UZ, 4096UZ, 5000UZ}) {
        EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), whole) << cut;
    }
}

}  // namespace
}  // namespace mc
