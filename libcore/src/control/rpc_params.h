#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::control {

// Readers of a method's params; errors are InvalidArgument and name the param.

/// Params are an object that has no other members.
Result<void> expectOnly(const nlohmann::json& params, std::initializer_list<std::string_view> known);

/// A list of strings, which must be there and not be empty.
Result<std::vector<std::string>> textsParam(const nlohmann::json& params, const char* name);

/// False where it is not there.
Result<bool> flagParam(const nlohmann::json& params, const char* name);

}  // namespace mc::control
