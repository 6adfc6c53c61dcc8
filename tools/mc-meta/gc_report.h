#pragma once

#include <optional>
#include <string>

#include "mc/error.h"

#include "metadata/gc.h"

namespace mc::meta {

/// A run of gc, as far as it came.
struct GcReport {
    metadata::GarbageCollector::Candidates candidates;
    bool applied = false;      ///< Something was to be removed, and not only told.
    std::string undo_file;     ///< Empty where none was written.
    std::string undo_command;  ///< That restores it.
    std::optional<Error> error;

    std::size_t count(metadata::GcCandidate::Fate fate) const;
};

/// A line for each key that is to be, or was, removed, and one for each owner's segment that stays.
std::string lines(const GcReport& report);

/// The same as JSON, with the segments that have no owner.
std::string document(const GcReport& report);

/// "planned: remove 20, spare 1; ..." or "done: ...".
std::string summary(const GcReport& report);

}  // namespace mc::meta
