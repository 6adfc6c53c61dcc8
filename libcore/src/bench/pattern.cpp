#include "bench/pattern.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mc::bench {
namespace {

constexpr unsigned kIndexBits = 36;
constexpr std::uint64_t kIndexMask = (1ULL << kIndexBits) - 1;
constexpr std::uint64_t kMultiplier = 0xd6e8feb86659fd93ULL;

// Newton's iteration doubles the number of right bits; an odd number is its own inverse modulo 8.
constexpr std::uint64_t inverse(std::uint64_t odd) {
    std::uint64_t result = odd;
    for (int i = 0; i < 5; ++i)
        result *= 2 - odd * result;
    return result;
}
static_assert(kMultiplier * inverse(kMultiplier) == 1);

inline std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 32;
    x *= kMultiplier;
    return x ^ (x >> 32);
}

inline std::uint64_t unmix(std::uint64_t x) {
    x ^= x >> 32;
    x *= inverse(kMultiplier);
    return x ^ (x >> 32);
}

// Words are compared and written little-endian, as memory holds them on the machines that this runs on.
static_assert(std::endian::native == std::endian::little);

// A block cut at the word boundaries of its offset: the words, all of them whole, and what sticks out.
struct Cut {
    std::size_t head;   // Bytes before the first whole word.
    std::size_t words;  // Whole words.
    std::size_t tail;   // Bytes after the last whole word.
};

Cut cutBlock(std::size_t size, std::uint64_t offset) {
    const std::size_t head = std::min<std::size_t>(size, (8 - offset % 8) % 8);
    return {head, (size - head) / 8, (size - head) % 8};
}

// Puts `part` over the bytes of `word` that start at `from`.
std::uint64_t overlay(std::uint64_t word, std::span<const std::byte> part, std::size_t from) {
    std::memcpy(reinterpret_cast<std::byte*>(&word) + from, part.data(), part.size());
    return word;
}

std::uint64_t loadWord(const std::byte* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

}  // namespace

const char* toString(MismatchKind kind) {
    switch (kind) {
        case MismatchKind::Stale:
            return "stale";
        case MismatchKind::Torn:
            return "torn";
        case MismatchKind::Misplaced:
            return "misplaced";
        case MismatchKind::Corrupt:
            return "corrupt";
    }
    return "corrupt";
}

std::uint64_t Pattern::word(std::uint64_t pass, std::uint64_t offset) const {
    return mix(((pass << kIndexBits) | (offset / 8)) ^ seed_);
}

WordOrigin Pattern::decode(std::uint64_t word) const {
    const std::uint64_t key = unmix(word) ^ seed_;
    return {key >> kIndexBits, (key & kIndexMask) * 8};
}

void Pattern::fill(std::span<std::byte> block, std::uint64_t offset, std::uint64_t pass) const {
    const Cut cut = cutBlock(block.size(), offset);
    if (cut.head > 0) {
        const std::uint64_t first = word(pass, offset);
        std::memcpy(block.data(), reinterpret_cast<const std::byte*>(&first) + offset % 8, cut.head);
    }
    std::byte* out = block.data() + cut.head;
    const std::uint64_t key = (pass << kIndexBits) | ((offset + cut.head) / 8);
    for (std::size_t i = 0; i < cut.words; ++i) {
        const std::uint64_t value = mix((key + i) ^ seed_);
        std::memcpy(out + i * 8, &value, sizeof(value));
    }
    if (cut.tail > 0) {
        const std::uint64_t last = mix((key + cut.words) ^ seed_);
        std::memcpy(out + cut.words * 8, &last, cut.tail);
    }
}

std::optional<Mismatch> Pattern::check(std::span<const std::byte> block, std::uint64_t offset,
                                       std::uint64_t pass) const {
    const Cut cut = cutBlock(block.size(), offset);
    std::uint64_t difference = 0;
    if (cut.head > 0) {
        const std::uint64_t first = word(pass, offset);
        difference |= overlay(first, block.first(cut.head), offset % 8) ^ first;
    }
    const std::byte* in = block.data() + cut.head;
    const std::uint64_t key = (pass << kIndexBits) | ((offset + cut.head) / 8);
    for (std::size_t i = 0; i < cut.words; ++i)
        difference |= loadWord(in + i * 8) ^ mix((key + i) ^ seed_);
    if (cut.tail > 0) {
        const std::uint64_t last = mix((key + cut.words) ^ seed_);
        difference |= overlay(last, block.last(cut.tail), 0) ^ last;
    }
    if (difference == 0) return std::nullopt;
    return classify(block, offset, pass);
}

Mismatch Pattern::classify(std::span<const std::byte> block, std::uint64_t offset, std::uint64_t pass) const {
    Mismatch result;
    result.pass = pass;
    bool first_wrong = true, right = false, stale = false, misplaced = false, corrupt = false;
    const std::uint64_t end = offset + block.size();
    for (std::uint64_t at = offset - offset % 8; at < end; at += 8) {
        const std::uint64_t from = std::max(at, offset), to = std::min(at + 8, end);
        const std::uint64_t expected = word(pass, at);
        const std::uint64_t found = overlay(expected, block.subspan(from - offset, to - from), from - at);
        if (found == expected) {
            right = true;
            continue;
        }
        const bool whole = to - from == 8;
        const WordOrigin origin = decode(found);
        const bool decodes = whole && origin.pass <= pass;
        if (first_wrong) {
            first_wrong = false;
            result.expected = expected;
            result.found = found;
            result.offset = at + static_cast<unsigned>(std::countr_zero(expected ^ found)) / 8;
            if (decodes) result.origin = origin;
        }
        if (whole) {  // Other words have too few bytes to decode.
            if (found == 0 || (decodes && origin.offset == at)) {
                stale = true;
            } else if (decodes) {
                misplaced = true;
            } else {
                corrupt = true;
            }
        }
    }
    if (corrupt) {
        result.kind = MismatchKind::Corrupt;
    } else if (misplaced) {
        result.kind = MismatchKind::Misplaced;
    } else if (stale) {
        result.kind = right ? MismatchKind::Torn : MismatchKind::Stale;
    }
    return result;
}

}  // namespace mc::bench
