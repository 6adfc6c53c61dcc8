#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "metadata/store.h"

namespace mc::metadata {

/// What is to become of a key.
struct Change {
    enum class Kind { None, Put, Remove };
    Kind kind = Kind::None;
    std::string value;  ///< To put.

    static Change none() { return {}; }
    static Change put(std::string value) { return {Kind::Put, std::move(value)}; }
    static Change remove() { return {Kind::Remove, {}}; }
};

/// Decides by what is there; null: the key is absent. It is asked again where somebody else was faster, so that what it
/// notes about its decision must be set anew each time.
using Edit = std::function<Result<Change>(const VersionedValue* current)>;

struct Updated {
    Change::Kind done = Change::Kind::None;
    std::string version;  ///< Of the value that was put, or that was left there; empty where the store has none.
    bool guarded = true;  ///< False: the store has no preconditions, and what others wrote meanwhile may be lost.
};

/// What `edit` would do now; nothing is written. `version` is that of what is there.
Result<Updated> preview(Store& store, std::string_view key, const Edit& edit, Deadline deadline);

/// Reads, lets `edit` decide, and writes only if nothing has changed in between; else the same again, until the
/// deadline. Busy if others were faster for very many times. An error of `edit` is returned as it is.
Result<Updated> update(Store& store, std::string_view key, const Edit& edit, Deadline deadline);

}  // namespace mc::metadata
