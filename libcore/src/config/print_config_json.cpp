#include <nlohmann/json.hpp>
#include <type_traits>

#include "config/documents.h"

namespace mc::config {
namespace {

using nlohmann::ordered_json;

// As a TOML file may have it, without units: bytes, and seconds.
ordered_json jsonScalar(const Scalar& value) {
    return std::visit(
        [](const auto& item) -> ordered_json {
            if constexpr (std::is_same_v<decltype(item), const std::chrono::nanoseconds&>) {
                return std::chrono::duration<double>(item).count();
            } else {
                return item;
            }
        },
        value);
}

ordered_json jsonValue(const Values::Entry& entry) {
    if (!entry.set) return entry.option->type == Type::Flag ? ordered_json(false) : ordered_json();
    if (!entry.option->repeated) return jsonScalar(entry.items.front());
    ordered_json list = ordered_json::array();
    for (const auto& item : entry.items)
        list.push_back(jsonScalar(item));
    return list;
}

}  // namespace

std::string effectiveJson(const Values& values) {
    ordered_json options = ordered_json::object();
    for (const auto& entry : values.entries()) {
        const Option& option = *entry.option;
        if (!option.toml || option.environment_only) continue;
        ordered_json member;
        if (option.secret) {
            member = {{"secret", true}, {"set", entry.set}};
        } else {
            member = {{"value", jsonValue(entry)}};
        }
        member["origin"] = entry.origin.toString();
        options[tomlKey(option)] = std::move(member);
    }
    const ordered_json document{{"schema_version", 1}, {"options", std::move(options)}};
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mc::config
