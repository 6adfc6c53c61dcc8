#include "mc-register/segment.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "common/store_client.h"

namespace mc::registering {

using metadata::SegmentKind;

metadata::KeyNames keyNames(const config::Values& values) {
    metadata::KeyNames names(values.text("cluster-id"));
    log::debug("keys begin with {}", printable(names.prefix()));
    return names;
}

Result<metadata::SegmentKey> namedSegment(const config::Values& values) {
    if (values.text("segment").empty()) {
        return fail(ErrorCode::InvalidArgument, "no segment is named",
                    "mc-register add cache /mnt/nvme0/cache is a segment of one file");
    }
    const bool memory = values.flag("memory");
    auto segment = metadata::parseSegmentKey(keyNames(values), values.text("segment"),
                                             memory ? SegmentKind::Memory : SegmentKind::Files);
    if (segment && memory && segment->kind == SegmentKind::Files)
        return std::unexpected(values.error("segment", "is one of files, which --memory is not for"));
    return segment;
}

metadata::StaticSegment staticSegment(const config::Values& values, metadata::Store& store,
                                      const metadata::SegmentKey& segment) {
    return {.store = store,
            .segment = segment,
            .writing = values.flag("dry-run") ? metadata::Writing::Dry : metadata::Writing::Real,
            .deadline = tools::commandDeadline(values)};
}

std::uint64_t totalLength(const SegmentDescriptor& descriptor) {
    std::uint64_t total = 0;
    for (const auto& file : descriptor.legacy_files)
        total += file.length;
    for (const auto& buffer : descriptor.buffers)
        total += buffer.length;
    return total;
}

}  // namespace mc::registering
