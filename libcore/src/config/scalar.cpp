#include "config/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"

namespace mc::config {
namespace {

// The value as an error may show it.
std::string shown(const Option& option, std::string_view text) {
    return option.secret ? "the value" : fmt::format("\"{}\"", text);
}

std::unexpected<Error> bad(const Option& option, std::string_view text, std::string_view rule, std::string hint = {}) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{} {}", shown(option, text), rule), std::move(hint));
}

template <typename T>
Result<Scalar> parseNumber(const Option& option, std::string_view text) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) return bad(option, text, "is too large");
    bool complete = error == std::errc{} && end == text.data() + text.size();
    if constexpr (std::is_floating_point_v<T>) complete = complete && std::isfinite(number);
    if (!complete) return bad(option, text, fmt::format("is not {}", describe(option.type)));
    return number;
}

Result<Scalar> parseFlag(const Option& option, std::string_view text) {
    const std::string word = toLower(text);
    for (const auto* on : {"true", "1", "yes", "on"}) {
        if (word == on) return true;
    }
    for (const auto* off : {"false", "0", "no", "off"}) {
        if (word == off) return false;
    }
    return bad(option, text, "is neither on nor off", "use true or false, yes or no, on or off, 1 or 0");
}

Result<Scalar> parseChoice(const Option& option, std::string_view text) {
    std::vector<std::string> names;
    std::vector<std::string> same_letters;
    for (const auto choice : option.choices) {
        if (choice == text) return std::string(choice);
        names.emplace_back(choice);
        if (toLower(choice) == toLower(text)) same_letters.emplace_back(choice);
    }
    if (same_letters.size() == 1) return same_letters.front();
    std::string hint;
    if (const auto nearest = nearestName(toLower(text), names)) hint = fmt::format("did you mean {}?", *nearest);
    return bad(option, text, fmt::format("is not one of {}", join(names, ", ")), std::move(hint));
}

template <typename T>
Result<Scalar> widen(Result<T> parsed) {
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return Scalar(std::move(*parsed));
}

Result<Scalar> parseUnchecked(const Option& option, std::string_view text) {
    switch (option.type) {
        case Type::Flag:
            return parseFlag(option, text);
        case Type::Integer:
            return parseNumber<std::int64_t>(option, text);
        case Type::Number:
            return parseNumber<double>(option, text);
        case Type::Size:
            return widen(parseSize(text));
        case Type::Duration:
            return widen(parseDuration(text));
        case Type::Text:
            return std::string(text);
        case Type::Choice:
            return parseChoice(option, text);
    }
    return fail(ErrorCode::Internal, "option type");
}

std::unexpected<Error> missingItem(const Option& option, std::string_view text) {
    return bad(option, text, "has an empty item", "write a list as 1,2,4, without a comma before or after it");
}

}  // namespace

Result<Scalar> checkRange(const Option& option, Scalar value) {
    const auto beyond = [&](std::string_view limit, bool upper) {
        if (limit.empty()) return false;
        const auto parsed = parseUnchecked(option, limit);
        return parsed && (upper ? value > *parsed : value < *parsed);
    };
    if (!beyond(option.min, false) && !beyond(option.max, true)) return value;
    std::string range;
    if (option.max.empty()) {
        range = fmt::format("at least {}", option.min);
    } else if (option.min.empty()) {
        range = fmt::format("at most {}", option.max);
    } else {
        range = fmt::format("from {} to {}", option.min, option.max);
    }
    return bad(option, formatScalar(value), fmt::format("is out of range: must be {}", range));
}

Result<Scalar> parseScalar(const Option& option, std::string_view text) {
    auto value = parseUnchecked(option, text);
    if (!value) return value;
    return checkRange(option, std::move(*value));
}

Result<std::vector<std::string>> splitList(const Option& option, std::string_view text) {
    constexpr std::string_view kSpace = " \t\n";
    constexpr std::string_view kSeparators = ", \t\n";
    std::vector<std::string> items;
    bool expected = false;  // After a comma there must be an item.
    std::string_view rest = text;
    while (true) {
        rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
        if (rest.empty()) break;
        const auto length = std::min(rest.find_first_of(kSeparators), rest.size());
        if (length == 0 && (expected || items.empty())) return missingItem(option, text);
        expected = length == 0;
        if (length != 0) items.emplace_back(rest.substr(0, length));
        rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    if (expected || (items.empty() && option.type != Type::Text)) return missingItem(option, text);
    return items;
}

std::string formatScalar(const Scalar& value) {
    struct Format {
        std::string operator()(bool on) const { return on ? "true" : "false"; }
        std::string operator()(std::int64_t number) const { return fmt::to_string(number); }
        std::string operator()(double number) const { return fmt::to_string(number); }
        std::string operator()(std::uint64_t bytes) const { return formatSize(bytes); }
        std::string operator()(std::chrono::nanoseconds duration) const { return formatDuration(duration); }
        std::string operator()(const std::string& text) const { return text; }
    };
    return std::visit(Format{}, value);
}

std::string_view describe(Type type) {
    switch (type) {
        case Type::Flag:
            return "true or false";
        case Type::Integer:
            return "an integer";
        case Type::Number:
            return "a number";
        case Type::Size:
            return "a size";
        case Type::Duration:
            return "a duration";
        case Type::Text:
        case Type::Choice:
            return "a text";
    }
    return {};
}

}  // namespace mc::config
