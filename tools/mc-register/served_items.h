#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mc/error.h"

#include "config/values.h"
#include "mc-register/running_target.h"

namespace mc::registering {

/// What a running target has of one kind, in the words of its replies and of the command line.
struct ServedItems {
    const char* option;   ///< One of them: "buffer".
    const char* members;  ///< "buffers"; with _served, how many there are.
    const char* segment;  ///< Whose name is that of their segment.
    const char* length;   ///< Of each, in bytes.
    std::string (*table)(const nlohmann::json& items);
};

const ServedItems& servedBuffers();
const ServedItems& servedFiles();

/// Calls the method that adds some, and prints what comes of it.
Result<ExitCode> addItems(const config::Values& values, const ServedItems& items, const TargetCall& call,
                          nlohmann::json params);
/// The same for one that removes some, which need not be there with --if-missing=ok.
Result<ExitCode> removeItems(const config::Values& values, const ServedItems& items, const TargetCall& call,
                             nlohmann::json params);

}  // namespace mc::registering
