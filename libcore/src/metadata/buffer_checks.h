#pragma once

#include <string>
#include <vector>

#include "mc/segment.h"

namespace mc::metadata {

/// What is wrong with the buffers and files of a descriptor that decodes all the same: ranges of one location that
/// overlap, files without bytes, a TCP segment without a data port.
std::vector<std::string> bufferProblems(const SegmentDescriptor& descriptor);

}  // namespace mc::metadata
