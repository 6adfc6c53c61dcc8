#include "metadata/static_segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/text.h"
#include "io/file_facts.h"
#include "segment/file_segment.h"

namespace mc::metadata {
namespace {

using Action = Publication::Action;

Result<Updated> apply(const StaticSegment& change, const Edit& edit) {
    return change.writing == Writing::Dry ? preview(change.store, change.segment.key, edit, change.deadline)
                                          : update(change.store, change.segment.key, edit, change.deadline);
}

Error inContext(const SegmentKey& segment, Error error) {
    return wrap(fmt::format("segment {}", printable(segment.name)), std::move(error));
}

// An engine would go on serving what nobody finds any more.
Result<void> expectUnserved(const SegmentKey& segment, const SegmentDescriptor& there) {
    if (segment.kind == SegmentKind::Files || there.buffers.empty()) return {};
    return fail(
        ErrorCode::Busy,
        fmt::format("segment {}: an engine serves {} buffers there", printable(segment.name), there.buffers.size()),
        "stop the engine; what a killed one has left is removed with mc-meta remove");
}

Result<Change> replace(const SegmentKey& segment, const VersionedValue& current, const SegmentDescriptor& descriptor,
                       Publication& publication) {
    // What can't be read is worth nothing to anybody.
    if (const auto there = decodeSegmentDescriptor(current.value)) {
        if (auto unserved = expectUnserved(segment, *there); !unserved) return std::unexpected(unserved.error());
        publication.mounts_lost = countMounts(*there);
    }
    publication.action = Action::Replaced;
    publication.json = encodeSegmentDescriptor(descriptor);
    return Change::put(publication.json);
}

Result<Change> merge(const SegmentKey& segment, const VersionedValue& current, const SegmentDescriptor& descriptor,
                     Publication& publication) {
    auto edited = addFiles(current.value, descriptor.name, descriptor.legacy_files);
    if (!edited) return std::unexpected(inContext(segment, edited.error()));
    publication.action = edited->changed == 0 ? Action::Unchanged : Action::Merged;
    publication.files_added = edited->changed;
    if (edited->changed == 0) return Change::none();
    publication.json = std::move(edited->json);
    return Change::put(publication.json);
}

Result<Change> publish(const SegmentKey& segment, const VersionedValue* current, const SegmentDescriptor& descriptor,
                       IfExists if_exists, Publication& publication) {
    publication = {};
    if (current == nullptr) {
        publication.json = encodeSegmentDescriptor(descriptor);
        return Change::put(publication.json);
    }
    switch (if_exists) {
        case IfExists::Fail:
            break;
        case IfExists::Keep:
            publication.action = Action::Kept;
            return Change::none();
        case IfExists::Merge:
            return merge(segment, *current, descriptor, publication);
        case IfExists::Replace:
            return replace(segment, *current, descriptor, publication);
    }
    return fail(ErrorCode::AlreadyExists, fmt::format("segment {}: it exists", printable(segment.name)),
                segment.kind == SegmentKind::Files ? "--if-exists=merge adds to it; keep and replace are other ways"
                                                   : "--if-exists=keep leaves it; replace writes it anew");
}

/// As they stand in the descriptor.
Result<std::vector<std::string>> resolve(const SegmentKey& segment, const SegmentDescriptor& descriptor,
                                         std::span<const std::string> paths, IfMissing if_missing) {
    const auto& files = descriptor.legacy_files;
    const auto has = [&](const std::string& path) {
        return std::ranges::find(files, path, &LegacyFile::file_path) != files.end();
    };
    std::vector<std::string> found;
    for (const auto& path : paths) {
        const std::string absolute = path.empty() ? path : io::absolutePath(path);
        if (has(path) || has(absolute)) {
            found.push_back(has(path) ? path : absolute);
        } else if (if_missing == IfMissing::Fail) {
            return fail(ErrorCode::NotFound,
                        fmt::format("segment {}: has no file {}", printable(segment.name), printable(absolute)));
        }
    }
    return found;
}

Result<Change> withdrawFiles(const SegmentKey& segment, const VersionedValue& current,
                             std::span<const std::string> paths, IfMissing if_missing, Withdrawal& withdrawal) {
    const auto descriptor = decodeSegmentDescriptor(current.value);
    if (!descriptor) return std::unexpected(inContext(segment, descriptor.error()));
    const auto resolved = resolve(segment, *descriptor, paths, if_missing);
    if (!resolved) return std::unexpected(resolved.error());
    const auto edited = removeFiles(current.value, *resolved);
    if (!edited) return std::unexpected(inContext(segment, edited.error()));
    for (const auto& file : descriptor->legacy_files) {
        const bool removed = std::ranges::find(*resolved, file.file_path) != resolved->end();
        withdrawal.moved = withdrawal.moved || (!removed && !withdrawal.files.empty());
        if (!removed) continue;
        withdrawal.files.push_back(file.file_path);
        withdrawal.mounts_lost += file.local_path_map.size();
    }
    withdrawal.files_left = descriptor->legacy_files.size() - withdrawal.files.size();
    return edited->changed == 0 ? Change::none() : Change::put(edited->json);
}

Result<Change> withdrawAll(const SegmentKey& segment, const VersionedValue& current, Withdrawal& withdrawal) {
    // What can't be read can be removed.
    if (const auto there = decodeSegmentDescriptor(current.value)) {
        if (auto unserved = expectUnserved(segment, *there); !unserved) return std::unexpected(unserved.error());
        for (const auto& file : there->legacy_files)
            withdrawal.files.push_back(file.file_path);
        withdrawal.mounts_lost = countMounts(*there);
    }
    return Change::remove();
}

}  // namespace

const char* toString(Action action) {
    switch (action) {
        case Action::Created:
            return "created";
        case Action::Kept:
            return "kept";
        case Action::Merged:
            return "merged";
        case Action::Unchanged:
            return "unchanged";
        case Action::Replaced:
            return "replaced";
    }
    return "";
}

std::size_t countMounts(const SegmentDescriptor& descriptor) {
    std::size_t mounts = 0;
    for (const auto& file : descriptor.legacy_files)
        mounts += file.local_path_map.size();
    return mounts;
}

Result<Publication> publishStatic(const StaticSegment& change, const SegmentDescriptor& descriptor,
                                  IfExists if_exists) {
    const SegmentKey& segment = change.segment;
    if (segment.kind == SegmentKind::Memory && if_exists == IfExists::Merge)
        return fail(ErrorCode::InvalidArgument, fmt::format("segment {}: memory is not merged", segment.name));
    Publication publication;
    auto updated = apply(change, [&](const VersionedValue* current) {
        return publish(segment, current, descriptor, if_exists, publication);
    });
    if (!updated) return std::unexpected(updated.error());
    publication.update = std::move(*updated);
    return publication;
}

Result<Withdrawal> withdrawStatic(const StaticSegment& change, std::span<const std::string> paths,
                                  IfMissing if_missing) {
    const SegmentKey& segment = change.segment;
    if (segment.kind == SegmentKind::Memory && !paths.empty())
        return fail(ErrorCode::InvalidArgument, fmt::format("segment {}: memory has no files", segment.name));
    Withdrawal withdrawal;
    auto updated = apply(change, [&](const VersionedValue* current) -> Result<Change> {
        withdrawal = {};
        if (current != nullptr && paths.empty()) return withdrawAll(segment, *current, withdrawal);
        if (current != nullptr) return withdrawFiles(segment, *current, paths, if_missing, withdrawal);
        if (if_missing == IfMissing::Ok) return Change::none();
        return fail(ErrorCode::NotFound, fmt::format("segment {}: there is none", printable(segment.name)));
    });
    if (!updated) return std::unexpected(updated.error());
    withdrawal.update = std::move(*updated);
    return withdrawal;
}

}  // namespace mc::metadata
