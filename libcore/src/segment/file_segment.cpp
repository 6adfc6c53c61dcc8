#include "segment/file_segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace mc {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;  // Writing is recursive.

// Where one is null, decodeSegmentDescriptor() takes the other, and a tree the last.
std::unexpected<Error> ambiguous() {
    return fail(ErrorCode::BadData, "segment descriptor: a member stands there twice");
}

/// The descriptor, and the tree that it was read from.
struct Parsed {
    SegmentDescriptor descriptor;
    json tree;
};

Result<Parsed> parse(std::string_view text) {
    auto descriptor = decodeSegmentDescriptor(text);
    if (!descriptor) return std::unexpected(descriptor.error());
    if (!descriptor->speaks("nvmeof")) {
        return fail(ErrorCode::BadData,
                    fmt::format("segment descriptor: its protocol is {}, not nvmeof", descriptor->protocol()));
    }
    bool too_deep = false;
    auto tree = json::parse(
        text,
        [&](int depth, json::parse_event_t, json&) {
            too_deep = too_deep || depth > kMaxDepth;
            return !too_deep;
        },
        false);
    if (too_deep) return fail(ErrorCode::BadData, fmt::format("segment descriptor: nested deeper than {}", kMaxDepth));
    const auto buffers = tree.find("buffers");
    const std::size_t count = buffers == tree.end() ? 0 : buffers->size();
    if (count != descriptor->legacy_files.size()) return ambiguous();
    return Parsed{.descriptor = std::move(*descriptor), .tree = std::move(tree)};
}

bool sameFiles(std::span<const LegacyFile> left, std::span<const LegacyFile> right) {
    return std::ranges::equal(left, right, [](const LegacyFile& one, const LegacyFile& other) {
        return one.file_path == other.file_path && one.length == other.length &&
               one.local_path_map == other.local_path_map;
    });
}

/// Written as encodeSegmentDescriptor() does, and read again: it must be `expected`.
Result<EditedFiles> finish(const json& tree, const SegmentDescriptor& expected, std::size_t changed) {
    EditedFiles edited{.json = tree.dump(-1, ' ', true, json::error_handler_t::replace), .changed = changed};
    const auto written = decodeSegmentDescriptor(edited.json);
    if (!written) return std::unexpected(written.error());
    if (written->name != expected.name || !sameFiles(written->legacy_files, expected.legacy_files)) return ambiguous();
    return edited;
}

/// Whether the file is there already.
Result<bool> isThere(const SegmentDescriptor& descriptor, const LegacyFile& file) {
    const auto& files = descriptor.legacy_files;
    const auto found = std::ranges::find(files, file.file_path, &LegacyFile::file_path);
    if (found == files.end()) return false;
    if (found->length == file.length) return true;
    return fail(ErrorCode::AlreadyExists,
                fmt::format("{}: has {} bytes, but is registered with {}", printable(file.file_path), file.length,
                            found->length),
                "offsets in the files behind it would change: remove it and add it again, at the end");
}

}  // namespace

SegmentDescriptor makeFileSegment(std::string server_name, std::vector<LegacyFile> files) {
    SegmentDescriptor descriptor;
    descriptor.name = std::move(server_name);
    descriptor.protocols = {"nvmeof"};
    descriptor.legacy_files = std::move(files);
    return descriptor;
}

Result<EditedFiles> addFiles(std::string_view text, std::string_view server_name, std::span<const LegacyFile> files) {
    auto parsed = parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    const auto& owner = parsed->descriptor.name;
    if (!owner.empty() && owner != server_name) {
        return fail(ErrorCode::AlreadyExists,
                    fmt::format("it has files of server {}, not of {}", printable(owner), printable(server_name)),
                    "a segment's files are those of one server; --local-server-name says which this is");
    }
    std::vector<LegacyFile> added;
    for (const auto& file : files) {
        const auto there = isThere(parsed->descriptor, file);
        if (!there) return std::unexpected(there.error());
        if (!*there) added.push_back(file);
    }
    if (added.empty()) return EditedFiles{.json = std::string(text), .changed = 0};
    const std::size_t count = added.size();
    auto& expected = parsed->descriptor.legacy_files;
    expected.insert(expected.end(), added.begin(), added.end());
    // Two encoders of one member would be one too many.
    auto fresh = json::parse(encodeSegmentDescriptor(makeFileSegment({}, std::move(added))));
    json& buffers = parsed->tree["buffers"];
    if (buffers.is_null()) buffers = json::array();
    for (auto& file : fresh["buffers"])
        buffers.push_back(std::move(file));
    return finish(parsed->tree, parsed->descriptor, count);
}

Result<EditedFiles> removeFiles(std::string_view text, std::span<const std::string> paths) {
    auto parsed = parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    auto& files = parsed->descriptor.legacy_files;
    const auto meant = [&](const LegacyFile& file) { return std::ranges::find(paths, file.file_path) != paths.end(); };
    if (std::ranges::none_of(files, meant)) return EditedFiles{.json = std::string(text), .changed = 0};
    json kept = json::array();
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (!meant(files[i])) kept.push_back(std::move(parsed->tree["buffers"][i]));
    }
    const std::size_t removed = files.size() - kept.size();
    parsed->tree["buffers"] = std::move(kept);
    std::erase_if(files, meant);
    return finish(parsed->tree, parsed->descriptor, removed);
}

Result<EditedFiles> setLocalPaths(std::string_view text, const std::string& server_name, const LocalPaths& paths) {
    auto parsed = parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    auto& files = parsed->descriptor.legacy_files;
    std::size_t changed = 0;
    for (const auto& [file, local] : paths) {
        const auto found = std::ranges::find(files, file, &LegacyFile::file_path);
        if (found == files.end())
            return fail(ErrorCode::NotFound, fmt::format("segment descriptor: has no file {}", printable(file)));
        std::string& noted = found->local_path_map[server_name];
        if (noted == local) continue;
        noted = local;
        json& map = parsed->tree["buffers"][static_cast<std::size_t>(found - files.begin())]["local_path_map"];
        if (map.is_null()) map = json::object();
        map[server_name] = local;
        ++changed;
    }
    if (changed == 0) return EditedFiles{.json = std::string(text), .changed = 0};
    return finish(parsed->tree, parsed->descriptor, changed);
}

Result<EditedFiles> removeLocalPaths(std::string_view text, const std::string& server_name, const LocalPaths& paths) {
    auto parsed = parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    auto& files = parsed->descriptor.legacy_files;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto meant = paths.find(files[i].file_path);
        const auto noted = files[i].local_path_map.find(server_name);
        const bool ours =
            meant != paths.end() && noted != files[i].local_path_map.end() && noted->second == meant->second;
        if (!ours) continue;
        files[i].local_path_map.erase(noted);
        parsed->tree["buffers"][i]["local_path_map"].erase(server_name);
        ++changed;
    }
    if (changed == 0) return EditedFiles{.json = std::string(text), .changed = 0};
    return finish(parsed->tree, parsed->descriptor, changed);
}

}  // namespace mc
