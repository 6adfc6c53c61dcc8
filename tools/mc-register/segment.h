#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"
#include "mc/segment.h"

#include "config/values.h"
#include "metadata/segment_key.h"
#include "metadata/static_segment.h"

namespace mc::registering {

/// The key names of --cluster_id.
metadata::KeyNames keyNames(const config::Values& values);

/// The segment that the command line names; with --memory, one of memory.
Result<metadata::SegmentKey> namedSegment(const config::Values& values);

/// The change that the command line asks for: --dry-run, --timeout.
metadata::StaticSegment staticSegment(const config::Values& values, metadata::Store& store,
                                      const metadata::SegmentKey& segment);

/// The lengths of its files or buffers.
std::uint64_t totalLength(const SegmentDescriptor& descriptor);

}  // namespace mc::registering
