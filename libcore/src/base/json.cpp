#include "base/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mc {

struct Json::Writer {
    using Document = nlohmann::ordered_json;

    static Document documentOf(const Json& json) {
        return std::visit([](const auto& value) { return documentOf(value); }, json.value_);
    }
    template <typename T>
    static Document documentOf(const T& scalar) {
        return scalar;
    }
    static Document documentOf(const Array& elements) {
        Document array = Document::array();
        for (const Json& element : elements)
            array.push_back(documentOf(element));
        return array;
    }
    static Document documentOf(const Object& members) {
        Document object = Document::object();
        for (const auto& [name, value] : members)
            object[name] = documentOf(value);
        return object;
    }
};

Json::Json(std::initializer_list<Member> members) : value_(Object()) {
    for (const Member& member : members)
        (*this)[member.name] = std::move(member.value);
}

Json Json::array() {
    Json json;
    json.value_ = Array();
    return json;
}

Json Json::object() {
    Json json;
    json.value_ = Object();
    return json;
}

void Json::add(Json element) {
    std::get<Array>(value_).push_back(std::move(element));
}

Json& Json::operator[](std::string_view name) {
    if (std::holds_alternative<std::nullptr_t>(value_)) value_ = Object();
    auto& members = std::get<Object>(value_);
    const auto found = std::ranges::find(members, name, &Object::value_type::first);
    if (found != members.end()) return found->second;
    return members.emplace_back(std::string(name), Json()).second;
}

void Json::update(Json other) {
    for (auto& [name, value] : std::get<Object>(other.value_))
        (*this)[name] = std::move(value);
}

std::string Json::text(int indent) const {
    return Writer::documentOf(*this).dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mc
