#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "config/values.h"

namespace mc::registering {

/// Calls a method of the running target that the command line names. An error for options that are `foreign` to
/// buffers.
Result<std::string> callTarget(const config::Values& values, std::string_view method, nlohmann::json params,
                               std::initializer_list<std::string_view> foreign);

/// "2 buffers, 3GiB".
std::string describeBuffers(const nlohmann::json& buffers);

}  // namespace mc::registering
