#include "metadata/segment_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/text.h"
#include "base/utf8.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kMooncake = "mooncake/";
constexpr std::string_view kFiles = "nvmeof/";
constexpr std::string_view kMemory = "ram/";

std::unexpected<Error> wrong(std::string_view text, std::string_view what, std::string hint = {}) {
    return fail(ErrorCode::InvalidArgument, fmt::format("segment {}: {}", printable(text), what), std::move(hint));
}

bool dropPrefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::string segmentPrefix(const KeyNames& keys, SegmentKind kind) {
    return keys.prefix() + std::string(kind == SegmentKind::Files ? kFiles : kMemory);
}

Result<SegmentKey> parseSegmentKey(const KeyNames& keys, std::string_view text, SegmentKind usual) {
    std::string_view rest = text;
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const bool whole = dropPrefix(rest, keys.prefix());
    if (!whole && rest.starts_with(kMooncake))
        return wrong(text, fmt::format("the keys of this cluster begin with {}", keys.prefix()));

    SegmentKind kind = usual;
    if (dropPrefix(rest, kFiles)) {
        kind = SegmentKind::Files;
    } else if (dropPrefix(rest, kMemory)) {
        kind = SegmentKind::Memory;
    } else if (whole || rest.starts_with("rpc_meta/")) {
        return wrong(text, "the key of no segment of files or memory",
                     fmt::format("those begin with {} and {}", segmentPrefix(keys, SegmentKind::Files),
                                 segmentPrefix(keys, SegmentKind::Memory)));
    }
    if (rest.empty()) return wrong(text, "the name is empty");
    if (!isUtf8(rest)) return wrong(text, "the name is not UTF-8");
    // An engine would look such a name up elsewhere.
    if (kind == SegmentKind::Memory && rest.contains('/')) return wrong(text, "a RAM segment's name has no /");
    std::string name = (kind == SegmentKind::Files ? std::string(kFiles) : std::string()).append(rest);
    return SegmentKey{.kind = kind, .name = std::move(name), .key = segmentPrefix(keys, kind).append(rest)};
}

}  // namespace mc::metadata
