#include "mount/file_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "base/errors.h"
#include "base/text.h"

namespace mc::mount {
namespace {

constexpr std::size_t kLongestName = 255;

// What a descriptor says comes from another machine.
std::string baseName(const MountedFile& file) {
    std::string name = file.path.substr(file.path.rfind('/') + 1);
    std::ranges::replace_if(name, [](unsigned char byte) { return byte < ' ' || byte == '\x7f'; }, '_');
    const bool usable = !name.empty() && name != "." && name != ".." && name.size() <= kLongestName;
    return usable ? name : fmt::format("file-{}", file.number);
}

void giveNames(std::vector<MountedFile>& files) {
    std::map<std::string, int> uses{{kStatusFileName, 1}};
    for (MountedFile& file : files)
        ++uses[file.name = baseName(file)];
    std::set<std::string> taken;
    for (const MountedFile& file : files) {
        if (uses[file.name] == 1) taken.insert(file.name);
    }
    for (MountedFile& file : files) {
        if (uses[file.name] == 1) continue;
        std::string prefix = fmt::format("{}-", file.number);
        const auto prefixed = [&] { return prefix + file.name.substr(0, kLongestName - prefix.size()); };
        // Numbers differ, so that only a file that is really called so is in the way.
        for (int again = 1; taken.contains(prefixed()); ++again)
            prefix = fmt::format("{}-{}-", file.number, again);
        file.name = prefixed();
        taken.insert(file.name);
    }
}

bool means(std::string_view word, const MountedFile& file) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc() && end == word.data() + word.size()) return number == file.number;
    if (word.starts_with("./")) word.remove_prefix(2);
    return word == file.path || word == file.name;
}

}  // namespace

Result<std::vector<MountedFile>> planFiles(const SegmentDescriptor& descriptor) {
    std::vector<MountedFile> files;
    std::uint64_t offset = 0;
    for (const LegacyFile& file : descriptor.legacy_files) {
        files.push_back({.name = {},
                         .path = file.file_path,
                         .number = files.size() + 1,
                         .size = file.length,
                         .file_id = 0,
                         .offset = offset});
        if (__builtin_add_overflow(offset, file.length, &offset)) {
            return fail(ErrorCode::BadData,
                        fmt::format("segment {}: the sum of its lengths is a lie", printable(descriptor.name)));
        }
    }
    for (const FileBuffer& file : descriptor.file_buffers) {
        files.push_back(
            {.name = {}, .path = file.path, .number = file.id, .size = file.size, .file_id = file.id, .offset = 0});
    }
    if (files.empty()) {
        return fail(ErrorCode::BadData,
                    fmt::format("segment {}: is one of protocol {}, which has no files", printable(descriptor.name),
                                descriptor.protocol()),
                    "where memory is served beside files, the files are the segment NAME-files");
    }
    giveNames(files);
    return files;
}

Result<std::vector<MountedFile>> selectFiles(std::vector<MountedFile> files, std::span<const std::string> words) {
    if (words.empty()) return files;
    for (const std::string& word : words) {
        if (std::ranges::any_of(files, [&](const MountedFile& file) { return means(word, file); })) continue;
        std::vector<std::string> names;
        names.reserve(files.size());
        for (const MountedFile& file : files)
            names.push_back(printable(file.name));
        return fail(ErrorCode::NotFound, fmt::format("file {}: the segment has no such file", printable(word)),
                    fmt::format("it has {}", join(names, ", ")));
    }
    std::erase_if(files, [&](const MountedFile& file) {
        return std::ranges::none_of(words, [&](const std::string& word) { return means(word, file); });
    });
    return files;
}

Result<std::vector<MountedFile>> locateFiles(const std::vector<MountedFile>& legacy, const SegmentDescriptor& target) {
    std::vector<MountedFile> located;
    for (const MountedFile& file : legacy) {
        const auto served = std::ranges::find(target.file_buffers, file.path, &FileBuffer::path);
        if (served == target.file_buffers.end() || served->size < file.size) {
            return fail(ErrorCode::NotFound, fmt::format("segment {}: does not serve {} of {}", printable(target.name),
                                                         counted(file.size, "byte"), printable(file.path)));
        }
        MountedFile& found = located.emplace_back(file);
        found.file_id = served->id;
        found.offset = 0;
    }
    return located;
}

}  // namespace mc::mount
