#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

#include "metadata/segment_key.h"
#include "metadata/store.h"
#include "metadata/update.h"

namespace mc::metadata {

/// What to do with a segment that is there already.
enum class IfExists {
    Fail,     ///< AlreadyExists.
    Keep,     ///< Leave it as it is.
    Merge,    ///< Add the files that it does not have; not for memory.
    Replace,  ///< Write it anew.
};

struct Publication {
    enum class Action {
        Created,
        Kept,
        Merged,
        Unchanged,  ///< A merge that had nothing to add.
        Replaced,
    };
    Action action = Action::Created;
    std::string json;             ///< The descriptor that was written; empty if none was.
    std::size_t files_added = 0;  ///< Of a merge.
    std::size_t mounts_lost = 0;  ///< Local paths that a replaced descriptor had.
    Updated update;
};

/// "created", "kept", ...
const char* toString(Publication::Action action);

/// Whether a change is only to be looked at.
enum class Writing { Real, Dry };

/// A segment whose descriptor is to be changed.
struct StaticSegment {
    Store& store;
    const SegmentKey& segment;
    Writing writing = Writing::Real;
    Deadline deadline;
};

/// Publishes a segment that no engine serves: files, or memory whose engine comes later. Busy if an engine's memory
/// would be replaced.
Result<Publication> publishStatic(const StaticSegment& change, const SegmentDescriptor& descriptor, IfExists if_exists);

/// What to do with a segment or file that is not there.
enum class IfMissing {
    Fail,  ///< NotFound names it, and nothing is removed.
    Ok,
};

struct Withdrawal {
    std::vector<std::string> files;  ///< That were removed, as they were registered.
    std::size_t files_left = 0;
    std::size_t mounts_lost = 0;
    bool moved = false;  ///< Files behind the removed ones have other offsets now.
    Updated update;
};

/// Removes the segment, or of a file segment those files whose names, as they are or made absolute, are in `paths`.
/// Busy if an engine's memory would be removed.
Result<Withdrawal> withdrawStatic(const StaticSegment& change, std::span<const std::string> paths,
                                  IfMissing if_missing);

/// Local paths that initiators have recorded.
std::size_t countMounts(const SegmentDescriptor& descriptor);

}  // namespace mc::metadata
