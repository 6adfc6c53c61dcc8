// The text of a file segment's descriptor from anywhere: a file that is added is there, at the end, and when it is
// removed again all else is what it was.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "segment/file_segment.h"

namespace {

void expect(bool holds, std::string_view what, std::string_view text) {
    if (holds) return;
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(text.size()),
                 text.data());
    std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto before = mc::decodeSegmentDescriptor(text);
    const mc::LegacyFile file{.file_path = "/fuzz", .length = 1, .local_path_map = {{"node", "/mnt"}}};
    const auto added = mc::addFiles(text, before ? before->name : "", std::span(&file, 1));
    expect(before.has_value() || !added, "added to what is no descriptor", text);
    if (!added || added->changed == 0) return 0;
    const auto there = mc::decodeSegmentDescriptor(added->json);
    expect(there && there->legacy_files.size() == before->legacy_files.size() + 1 && there->legacy_files.back() == file,
           "is not at the end", added->json);
    const auto removed = mc::removeFiles(added->json, std::span(&file.file_path, 1));
    expect(removed && removed->changed == 1, "can't be removed", added->json);
    const auto after = mc::decodeSegmentDescriptor(removed->json);
    expect(after && *after == *before, "is not what it was", removed->json);
    return 0;
}
