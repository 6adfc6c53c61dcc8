#include "metadata/json_members.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace mc::metadata {
namespace {

using nlohmann::json;

// jsoncpp's limit; without one, a megabyte of '[' would take 64 of memory.
constexpr int kMaxDepth = 1000;

}  // namespace

bool isJson(std::string_view text) {
    return !text.contains('\0') && json::accept(text);  // The parser takes a NUL for the end.
}

std::string toLine(const json& value) {
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

JsonMembers::JsonMembers(std::string_view what, std::string_view text) : what_(what), root_(std::make_unique<json>()) {
    bool too_deep = false;
    const auto prune = [&too_deep](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return depth <= kMaxDepth;
    };
    *root_ = text.contains('\0') ? json(json::value_t::discarded) : json::parse(text, prune, false);
    if (root_->is_object() && !too_deep) return;
    error_ =
        Error{ErrorCode::BadData,
              fmt::format("{}: {}", what_,
                          too_deep                ? "nested too deep"
                          : root_->is_discarded() ? "not JSON"
                                                  : fmt::format("an object is expected, not {}", root_->type_name())),
              {}};
    *root_ = json::object();
}

JsonMembers::~JsonMembers() = default;

void JsonMembers::complain(std::string_view name, std::string_view problem) {
    if (!error_) error_ = Error{ErrorCode::BadData, fmt::format("{}: member \"{}\" {}", what_, name, problem), {}};
}

const json* JsonMembers::find(const char* name, Rule rule, const char* expected, bool (*fits)(const json&)) {
    const auto member = root_->find(name);
    if (member == root_->end() || member->is_null()) {
        if (rule == Rule::Required) complain(name, "is missing");
        return nullptr;
    }
    if (fits(*member)) return &*member;
    if (rule != Rule::Lenient) complain(name, fmt::format("must be {}, not {}", expected, member->type_name()));
    return nullptr;
}

std::string JsonMembers::string(const char* name, Rule rule) {
    const json* member = find(name, rule, "a string", [](const json& value) { return value.is_string(); });
    return member == nullptr ? std::string() : member->get<std::string>();
}

std::uint64_t JsonMembers::number(const char* name, std::uint64_t max, Rule rule) {
    const json* member =
        find(name, rule, "an unsigned integer", [](const json& value) { return value.is_number_unsigned(); });
    if (member == nullptr) return 0;
    const auto value = member->get<std::uint64_t>();
    if (value <= max) return value;
    if (rule != Rule::Lenient) complain(name, fmt::format("is {}, above {}", value, max));
    return 0;
}

std::uint16_t JsonMembers::number16(const char* name, Rule rule) {
    return static_cast<std::uint16_t>(number(name, std::numeric_limits<std::uint16_t>::max(), rule));
}

std::optional<bool> JsonMembers::boolean(const char* name) {
    const json* member =
        find(name, Rule::Optional, "true or false", [](const json& value) { return value.is_boolean(); });
    if (member == nullptr) return std::nullopt;
    return member->get<bool>();
}

std::vector<std::uint32_t> JsonMembers::numbers(const char* name) {
    const json* member = find(name, Rule::Optional, "an array", [](const json& value) { return value.is_array(); });
    std::vector<std::uint32_t> values;
    if (member == nullptr) return values;
    values.reserve(member->size());
    for (const auto& element : *member) {
        if (!element.is_number_unsigned() || element.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
            complain(fmt::format("{}[{}]", name, values.size()), "must be an unsigned 32-bit integer");
            return {};
        }
        values.push_back(element.get<std::uint32_t>());
    }
    return values;
}

}  // namespace mc::metadata
