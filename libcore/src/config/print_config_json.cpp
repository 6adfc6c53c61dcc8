#include <type_traits>

#include "base/json.h"
#include "base/text.h"
#include "config/documents.h"

namespace mc::config {
namespace {

// As a TOML file may have it, without units: bytes, and seconds.
Json jsonScalar(const Scalar& value) {
    return std::visit(
        [](const auto& item) -> Json {
            if constexpr (std::is_same_v<decltype(item), const std::chrono::nanoseconds&>) {
                return std::chrono::duration<double>(item).count();
            } else if constexpr (std::is_same_v<decltype(item), const std::string&>) {
                return withoutCredentials(item);
            } else {
                return item;
            }
        },
        value);
}

Json jsonValue(const Values::Entry& entry) {
    if (!entry.set) return entry.option->type == Type::Flag ? Json(false) : Json();
    if (!entry.option->repeated) return jsonScalar(entry.items.front());
    Json list = Json::array();
    for (const auto& item : entry.items)
        list.add(jsonScalar(item));
    return list;
}

}  // namespace

std::string effectiveJson(const Values& values) {
    Json options = Json::object();
    for (const auto& entry : values.entries()) {
        const Option& option = *entry.option;
        if (!option.toml || option.environment_only) continue;
        Json member;
        if (option.secret) {
            member = {{"secret", true}, {"set", entry.set}};
        } else {
            member = {{"value", jsonValue(entry)}};
        }
        member["origin"] = entry.origin.toString();
        options[tomlKey(option)] = std::move(member);
    }
    const Json document{{"schema_version", 1}, {"options", std::move(options)}};
    return document.line();
}

}  // namespace mc::config
