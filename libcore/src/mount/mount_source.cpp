#include "mount/mount_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"

namespace mc::mount {
namespace {

// The target of `name` that serves all of the files; nothing where it is not there, or does not.
Result<std::vector<MountedFile>> servedBy(RemoteFiles& remote, const std::string& name,
                                          const std::vector<MountedFile>& files) {
    const auto descriptor = remote.describe(name);
    if (!descriptor) return std::unexpected(descriptor.error());
    return locateFiles(files, *descriptor);
}

bool isMountedBy(const SegmentDescriptor& descriptor, const std::string& server_name) {
    return std::ranges::all_of(descriptor.legacy_files, [&](const LegacyFile& file) {
        const auto path = file.local_path_map.find(server_name);
        return path != file.local_path_map.end() && !path->second.empty();
    });
}

Result<MountSource> findServed(RemoteFiles& remote, const SourceRequest& request, const SegmentDescriptor& descriptor,
                               std::vector<MountedFile> files) {
    std::vector<std::string> candidates{request.via};
    if (request.via.empty()) candidates = {descriptor.name + "-files", descriptor.name};
    std::optional<Error> why;
    for (const std::string& name : candidates) {
        auto served = servedBy(remote, name, files);
        if (served) return MountSource{.segment = name, .files = std::move(*served), .records = true};
        log::debug("{}", served.error().message);
        if (!why || served.error().code != ErrorCode::NotFound) why = served.error();
    }
    if (!request.via.empty()) return std::unexpected(wrap("--via", std::move(*why)));
    if (isMountedBy(descriptor, request.server_name))
        return MountSource{.segment = request.segment, .files = std::move(files), .records = false};
    return fail(ErrorCode::NotFound,
                fmt::format("segment {}: no target serves its files: neither {} nor {} does",
                            printable(request.segment), printable(candidates[0]), printable(candidates[1])),
                fmt::format("on {}: mc-target --file {} and so on, with the same metadata server; or name one by --via",
                            printable(descriptor.name), printable(files.front().path)));
}

Error withHint(Error error) {
    if (!error.hint.empty()) return error;
    if (error.code == ErrorCode::NotFound) error.hint = "mc-meta show lists the segments of a metadata server";
    if (error.code == ErrorCode::Unavailable || error.code == ErrorCode::TimedOut)
        error.hint = "is mc-target running there, and reached by this machine?";
    return error;
}

}  // namespace

Result<MountSource> findSource(RemoteFiles& remote, const SourceRequest& request) {
    const auto descriptor = remote.describe(request.segment);
    if (!descriptor) return std::unexpected(withHint(descriptor.error()));
    auto files = planFiles(*descriptor);
    if (!files) return std::unexpected(files.error());
    files = selectFiles(std::move(*files), request.selection);
    if (!files) return std::unexpected(wrap(fmt::format("segment {}", printable(request.segment)), files.error()));
    if (descriptor->speaks("nvmeof")) return findServed(remote, request, *descriptor, std::move(*files));
    if (!request.via.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("--via: segment {} is that of a target itself", printable(request.segment)));
    }
    return MountSource{.segment = request.segment, .files = std::move(*files), .records = false};
}

}  // namespace mc::mount
