#pragma once

#include <string>

#include "mc/error.h"

#include "metadata/static_segment.h"
#include "metadata/update.h"
#include "segment/file_segment.h"

namespace mc::metadata {

/// Where a server has mounted the files of a segment, in the segment's descriptor: an engine of that name finds them by
/// it.
struct Mounting {
    const std::string& server_name;  ///< The engine's --local_server_name.
    const LocalPaths& paths;
};

/// Notes it, as one change that loses nothing of what others change at the same time. NotFound where there is no such
/// segment, or no such file in it.
Result<Updated> recordMounting(const StaticSegment& segment, const Mounting& mounting);

/// Takes it out again as far as it still stands there; a segment that is gone is none to change.
Result<Updated> forgetMounting(const StaticSegment& segment, const Mounting& mounting);

}  // namespace mc::metadata
