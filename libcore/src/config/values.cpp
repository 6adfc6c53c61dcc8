#include "config/values.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "base/errors.h"
#include "base/text.h"

namespace mc::config {
namespace {

[[noreturn]] void misuse(std::string_view name, std::string_view what) {
    fmt::print(stderr, "defect: option \"{}\" {}\n", name, what);
    std::abort();
}

}  // namespace

std::string Origin::toString() const {
    switch (source) {
        case Source::Default:
            return "default";
        case Source::File:
            return where;
        case Source::Environment:
            return "environment " + where;
        case Source::Flag:
            return "flag";
    }
    return {};
}

const Values::Entry& Values::entry(std::string_view name) const {
    for (const auto& entry : entries_) {
        if (entry.option->name == name) return entry;
    }
    misuse(name, "is not in the tool's table");
}

template <typename T>
T Values::one(std::string_view name) const {
    const auto& found = entry(name);
    if (found.option->repeated) misuse(name, "is a list");
    if (found.items.empty()) return {};
    const T* value = std::get_if<T>(&found.items.front());
    if (value == nullptr) misuse(name, "has another type");
    return *value;
}

template <typename T>
std::vector<T> Values::all(std::string_view name) const {
    const auto& found = entry(name);
    if (!found.option->repeated) misuse(name, "is not a list");
    std::vector<T> values;
    for (const auto& item : found.items) {
        const T* value = std::get_if<T>(&item);
        if (value == nullptr) misuse(name, "has another type");
        values.push_back(*value);
    }
    return values;
}

bool Values::flag(std::string_view name) const {
    return one<bool>(name);
}
std::int64_t Values::integer(std::string_view name) const {
    return one<std::int64_t>(name);
}
double Values::number(std::string_view name) const {
    return one<double>(name);
}
std::uint64_t Values::size(std::string_view name) const {
    return one<std::uint64_t>(name);
}
std::chrono::nanoseconds Values::duration(std::string_view name) const {
    return one<std::chrono::nanoseconds>(name);
}
std::string Values::text(std::string_view name) const {
    return one<std::string>(name);
}
std::vector<std::int64_t> Values::integers(std::string_view name) const {
    return all<std::int64_t>(name);
}
std::vector<double> Values::numbers(std::string_view name) const {
    return all<double>(name);
}
std::vector<std::uint64_t> Values::sizes(std::string_view name) const {
    return all<std::uint64_t>(name);
}
std::vector<std::chrono::nanoseconds> Values::durations(std::string_view name) const {
    return all<std::chrono::nanoseconds>(name);
}
std::vector<std::string> Values::texts(std::string_view name) const {
    return all<std::string>(name);
}

bool Values::has(std::string_view name) const {
    return entry(name).set;
}

bool Values::given(std::string_view name) const {
    return entry(name).origin.source != Origin::Source::Default;
}

const Origin& Values::origin(std::string_view name) const {
    return entry(name).origin;
}

Error Values::error(std::string_view name, std::string_view rule, std::string hint) const {
    const auto& found = entry(name);
    std::string value;
    for (const auto& item : found.items)
        value += (value.empty() ? "" : ",") + formatScalar(item);
    if (found.option->secret) value = "(secret)";
    return located(found.origin, *found.option, fmt::format("\"{}\" {}", withoutCredentials(value), rule),
                   std::move(hint));
}

Error located(const Origin& origin, const Option& option, std::string_view problem, std::string hint) {
    switch (origin.source) {
        case Origin::Source::File:
            return {ErrorCode::Config, fmt::format("{}: {}: {}", origin.where, tomlKey(option), problem),
                    std::move(hint)};
        case Origin::Source::Environment:
            if (option.environment_only) {
                return {ErrorCode::Config, fmt::format("environment {}: {}", origin.where, problem), std::move(hint)};
            }
            return {ErrorCode::Config, fmt::format("environment {}: --{}: {}", origin.where, option.name, problem),
                    std::move(hint)};
        case Origin::Source::Default:
        case Origin::Source::Flag:
            break;
    }
    return {ErrorCode::InvalidArgument, fmt::format("--{}: {}", option.name, problem), std::move(hint)};
}

}  // namespace mc::config
