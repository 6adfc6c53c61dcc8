#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "config/values.h"

namespace mc::registering {

/// A method of a running target, as the command line asks for it.
struct TargetCall {
    std::string_view option;  ///< The one that asks for it: "buffer" or "file".
    std::string_view method;
    std::initializer_list<std::string_view> foreign;  ///< Options that can't be combined with that one.
};

/// Calls it on the target that the command line names; the reply's JSON.
Result<std::string> callTarget(const config::Values& values, const TargetCall& call, nlohmann::json params);

}  // namespace mc::registering
