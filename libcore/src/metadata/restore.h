#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "metadata/dump.h"
#include "metadata/store.h"

namespace mc::metadata {

/// What becomes of a key that is there already, with another value than the dump's.
enum class IfExists {
    Fail,  ///< The whole restore is refused.
    Keep,
    Replace,
};

/// What a restore does with one entry of a dump.
struct RestoreStep {
    enum class Action { Create, Replace, Keep, Unchanged, Conflict };
    Action action = Action::Create;
    std::string key;
    std::string version;  ///< That the key has; for Replace.
};

/// "create", "replace", ...
const char* toString(RestoreStep::Action action);

/// Reads all of the dump, and looks at each key in the store. Changes nothing. If it is stopped, steps are missing.
Result<std::vector<RestoreStep>> planRestore(DumpReader& dump, Store& store, IfExists if_exists, Deadline deadline,
                                             const std::stop_token& stop);

struct Restored {
    bool unguarded = false;  ///< The store has no preconditions: what others wrote meanwhile may have been replaced.
};

/// Does what was planned for the same dump, each change only if its key is still as it was looked at. All or nothing:
/// after an error, or if it is stopped (Negative), what had been done was taken back, or the message names what could
/// not be.
Result<Restored> applyRestore(DumpReader& dump, const std::vector<RestoreStep>& plan, Store& store, Deadline deadline,
                              const std::stop_token& stop);

}  // namespace mc::metadata
