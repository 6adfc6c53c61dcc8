#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/documents.h"
#include "config/toml_file.h"

namespace mc::config {
namespace {

std::string tomlScalar(const Option& option, const Scalar& value) {
    std::string text = formatScalar(value);
    switch (option.type) {
        case Type::Flag:
        case Type::Integer:
        case Type::Number:
            return text;
        case Type::Size:
        case Type::Duration:
        case Type::Text:
        case Type::Choice:
            break;
    }
    return quoteToml(withoutCredentials(text));
}

// A file's name may have a line break; a comment may not.
std::string comment(std::string text) {
    std::ranges::replace_if(text, [](unsigned char letter) { return letter < ' ' || letter == 0x7f; }, '?');
    return text;
}

}  // namespace

std::string tomlValue(const Values::Entry& entry) {
    if (!entry.option->repeated) return tomlScalar(*entry.option, entry.items.front());
    std::vector<std::string> items;
    items.reserve(entry.items.size());
    for (const auto& item : entry.items)
        items.push_back(tomlScalar(*entry.option, item));
    return fmt::format("[{}]", join(items, ", "));
}

std::string effectiveToml(const Values& values) {
    std::string toml;
    for (const auto& entry : values.entries()) {
        const Option& option = *entry.option;
        if (!option.toml || option.environment_only) continue;
        if (option.secret) {
            toml += fmt::format("# {} is a secret{}\n", tomlKey(option), entry.set ? ", and set" : ", and not set");
        } else if (!entry.set && option.type == Type::Flag) {
            toml += fmt::format("{} = false  # default\n", tomlKey(option));
        } else if (!entry.set) {
            toml += fmt::format("# {} is not set\n", tomlKey(option));
        } else {
            toml += fmt::format("{} = {}  # {}\n", tomlKey(option), tomlValue(entry), comment(entry.origin.toString()));
        }
    }
    return toml;
}

}  // namespace mc::config
