#include "bench/pattern.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace mc::bench {
namespace {

constexpr std::uint64_t kSeed = 0x1234567890abcdef;

std::vector<std::byte> filled(std::size_t size, std::uint64_t offset, std::uint64_t pass) {
    std::vector<std::byte> block(size);
    Pattern(kSeed).fill(block, offset, pass);
    return block;
}

TEST(Pattern, EveryWordDecodesToItsPassAndOffset) {
    const Pattern pattern(kSeed);
    for (const std::uint64_t pass : {std::uint64_t{0}, std::uint64_t{1}, Pattern::kMaxPass}) {
        for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{8}, Pattern::kMaxBytes - 8}) {
            EXPECT_EQ(pattern.decode(pattern.word(pass, offset)), (WordOrigin{pass, offset}));
        }
    }
}

TEST(Pattern, FindsNothingWrongInWhatItFilledAtAnyAlignment) {
    const Pattern pattern(kSeed);
    for (std::uint64_t offset = 0; offset < 9; ++offset) {
        for (std::size_t size = 0; size < 40; ++size) {
            EXPECT_FALSE(pattern.check(filled(size, offset, 3), offset, 3)) << size << " bytes at " << offset;
        }
    }
}

TEST(Pattern, PartsOfABlockAreTheSameDataAsTheWhole) {
    const auto whole = filled(64, 5, 2);
    const auto part = filled(21, 5 + 11, 2);
    EXPECT_EQ(std::memcmp(whole.data() + 11, part.data(), part.size()), 0);
}

TEST(Pattern, FindsAnyChangedByteAndItsOffset) {
    const Pattern pattern(kSeed);
    for (std::size_t at = 0; at < 37; ++at) {
        auto block = filled(37, 3, 4);
        block[at] ^= std::byte{0x10};
        const auto found = pattern.check(block, 3, 4);
        ASSERT_TRUE(found) << at;
        EXPECT_EQ(found->offset, 3 + at);
        EXPECT_EQ(found->kind, MismatchKind::Corrupt);
        EXPECT_NE(found->expected, found->found);
    }
}

TEST(Pattern, AnotherSeedIsAnotherPattern) {
    EXPECT_TRUE(Pattern(kSeed + 1).check(filled(64, 0, 1), 0, 1));
}

TEST(Pattern, AnEarlierPassIsStaleAndNamed) {
    const auto found = Pattern(kSeed).check(filled(64, 4096, 6), 4096, 7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, MismatchKind::Stale);
    EXPECT_EQ(found->origin, (WordOrigin{6, 4096}));
    EXPECT_EQ(found->offset, 4096);
}

TEST(Pattern, PoisonAndUntouchedMemoryAreStale) {
    const Pattern pattern(kSeed);
    std::vector<std::byte> block(64);
    EXPECT_EQ(pattern.check(block, 0, 1)->kind, MismatchKind::Stale);
    pattern.poison(block, 0);
    EXPECT_EQ(pattern.check(block, 0, 1)->kind, MismatchKind::Stale);
}

TEST(Pattern, HalfAnEarlierPassIsTorn) {
    auto block = filled(64, 0, 7);
    const auto old = filled(64, 0, 6);
    std::memcpy(block.data() + 32, old.data() + 32, 32);
    const auto found = Pattern(kSeed).check(block, 0, 7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, MismatchKind::Torn);
    EXPECT_EQ(found->offset, 32);
}

TEST(Pattern, DataOfAnotherOffsetIsMisplacedAndNamed) {
    const auto found = Pattern(kSeed).check(filled(64, 8192, 7), 4096, 7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, MismatchKind::Misplaced);
    EXPECT_EQ(found->origin, (WordOrigin{7, 8192}));
}

TEST(Pattern, APassThatHasNotBeenYetIsCorrupt) {
    EXPECT_EQ(Pattern(kSeed).check(filled(64, 0, 8), 0, 7)->kind, MismatchKind::Corrupt);
}

}  // namespace
}  // namespace mc::bench
