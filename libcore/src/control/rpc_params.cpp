#include "control/rpc_params.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace mc::control {
namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string_view name, std::string_view rule) {
    return fail(ErrorCode::InvalidArgument, fmt::format("param \"{}\" {}", name, rule));
}

}  // namespace

Result<void> expectOnly(const json& params, std::initializer_list<std::string_view> known) {
    if (!params.is_object()) return fail(ErrorCode::InvalidArgument, "params must be an object");
    for (const auto& [name, value] : params.items()) {
        if (std::ranges::find(known, name) == known.end()) return wrong(name, "is unknown");
    }
    return {};
}

Result<std::vector<std::string>> textsParam(const json& params, const char* name) {
    const auto found = params.find(name);
    const bool is_list = found != params.end() && found->is_array() && !found->empty();
    if (!is_list || !std::ranges::all_of(*found, [](const json& item) { return item.is_string(); }))
        return wrong(name, "must be a list of strings, and not be empty");
    return found->get<std::vector<std::string>>();
}

Result<bool> flagParam(const json& params, const char* name) {
    const auto found = params.find(name);
    if (found == params.end()) return false;
    if (!found->is_boolean()) return wrong(name, "must be true or false");
    return found->get<bool>();
}

}  // namespace mc::control
