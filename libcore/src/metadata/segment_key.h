#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "metadata/keys.h"

namespace mc::metadata {

enum class SegmentKind {
    Files,   ///< Below "nvmeof/".
    Memory,  ///< Below "ram/".
};

/// A segment that a user named.
struct SegmentKey {
    SegmentKind kind = SegmentKind::Files;
    std::string name;  ///< As openSegment takes it: "nvmeof/NAME", or of memory "NAME".
    std::string key;
};

/// What all keys of this kind begin with.
std::string segmentPrefix(const KeyNames& keys, SegmentKind kind);

/// NAME, "nvmeof/NAME" (or "ram/NAME") and the whole key mean the same; a NAME alone is of the `usual` kind.
/// InvalidArgument for the key of another cluster, and for what can't be a segment's.
Result<SegmentKey> parseSegmentKey(const KeyNames& keys, std::string_view text, SegmentKind usual);

}  // namespace mc::metadata
