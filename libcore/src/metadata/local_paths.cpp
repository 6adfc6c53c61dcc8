#include "metadata/local_paths.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"

namespace mc::metadata {
namespace {

Result<Updated> apply(const StaticSegment& change, const Edit& edit) {
    auto updated = change.writing == Writing::Dry ? preview(change.store, change.segment.key, edit, change.deadline)
                                                  : update(change.store, change.segment.key, edit, change.deadline);
    if (updated) return updated;
    return std::unexpected(wrap(fmt::format("segment {}", printable(change.segment.name)), updated.error()));
}

Result<Change> asChange(Result<EditedFiles> edited) {
    if (!edited) return std::unexpected(edited.error());
    return edited->changed == 0 ? Change::none() : Change::put(std::move(edited->json));
}

}  // namespace

Result<Updated> recordMounting(const StaticSegment& segment, const Mounting& mounting) {
    return apply(segment, [&](const VersionedValue* current) -> Result<Change> {
        if (current == nullptr) return fail(ErrorCode::NotFound, "there is none");
        return asChange(setLocalPaths(current->value, mounting.server_name, mounting.paths));
    });
}

Result<Updated> forgetMounting(const StaticSegment& segment, const Mounting& mounting) {
    return apply(segment, [&](const VersionedValue* current) -> Result<Change> {
        if (current == nullptr) return Change::none();
        return asChange(removeLocalPaths(current->value, mounting.server_name, mounting.paths));
    });
}

}  // namespace mc::metadata
