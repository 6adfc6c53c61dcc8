#pragma once

#include "mc/error.h"
#include "mc/segment.h"

#include "config/values.h"
#include "metadata/segment_key.h"

namespace mc::registering {

/// The segment of the files that the command line names, as they are now.
Result<SegmentDescriptor> describeFiles(const config::Values& values);

/// The segment of memory that the command line describes.
Result<SegmentDescriptor> describeMemory(const config::Values& values, const metadata::SegmentKey& segment);

}  // namespace mc::registering
