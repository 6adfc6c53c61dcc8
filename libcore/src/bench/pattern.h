#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace mc::bench {

/// What a block that is not as it should be looks like.
enum class MismatchKind : std::uint8_t {
    Stale,      ///< An earlier content of the same place: an earlier pass, the poison, or memory never written.
    Torn,       ///< Partly this pass, partly an earlier content.
    Misplaced,  ///< Bytes that belong to another offset.
    Corrupt,    ///< Bytes that no pass wrote anywhere, or too few of them to tell.
};
inline constexpr std::size_t kMismatchKinds = 4;

const char* toString(MismatchKind kind);

/// Where a word of the pattern comes from.
struct WordOrigin {
    std::uint64_t pass = 0;
    std::uint64_t offset = 0;  ///< Bytes, a multiple of eight.

    bool operator==(const WordOrigin&) const = default;
};

/// What is wrong with one block.
struct Mismatch {
    MismatchKind kind = MismatchKind::Corrupt;
    std::uint64_t offset = 0;          ///< Of the first wrong byte.
    std::uint64_t expected = 0;        ///< The word around that byte as it should be,
    std::uint64_t found = 0;           ///< and as it is; bytes outside of the block count as right.
    std::optional<WordOrigin> origin;  ///< What the found word decodes to, where that makes sense.
    std::uint64_t pass = 0;            ///< The pass that was expected.
};

/// Test data in which every aligned word tells which pass wrote it and where it belongs: a bijective mix of pass,
/// offset and a seed. Pass 0 is the poison that a buffer is given before data is to arrive in it. Immutable.
class Pattern {
  public:
    static constexpr std::uint64_t kMaxPass = (1ULL << 28) - 1;
    static constexpr std::uint64_t kMaxBytes = 1ULL << 39;  ///< Passes and offsets beyond these look like others.

    explicit Pattern(std::uint64_t seed) : seed_(seed) {}

    /// Writes the data of `pass` for the place that starts at byte `offset`.
    void fill(std::span<std::byte> block, std::uint64_t offset, std::uint64_t pass) const;
    void poison(std::span<std::byte> block, std::uint64_t offset) const { fill(block, offset, 0); }

    /// Nothing if `block` holds exactly the data of `pass` for that place.
    std::optional<Mismatch> check(std::span<const std::byte> block, std::uint64_t offset, std::uint64_t pass) const;

    std::uint64_t word(std::uint64_t pass, std::uint64_t offset) const;
    /// The inverse of `word`. Any word decodes to something.
    WordOrigin decode(std::uint64_t word) const;

  private:
    Mismatch classify(std::span<const std::byte> block, std::uint64_t offset, std::uint64_t pass) const;

    std::uint64_t seed_;
};

}  // namespace mc::bench
