#include "config/option.h"

#include <algorithm>

namespace mc::config {

std::vector<const Option*> settingsOf(const Tool& tool, const Command* command) {
    std::vector<const Option*> options;
    const auto add = [&](const Command& from) {
        for (const auto table : from.options) {
            for (const Option& option : table) {
                const auto same_name = [&](const Option* other) { return other->name == option.name; };
                if (std::ranges::none_of(options, same_name)) options.push_back(&option);
            }
        }
    };
    if (command != nullptr) add(*command);
    if (command != nullptr && !command->extends.empty()) add(*findCommand(tool, command->extends));
    add(tool.main);
    return options;
}

std::vector<const Option*> optionsOf(const Tool& tool, const Command* command) {
    auto options = settingsOf(tool, command);
    std::erase_if(options, [](const Option* option) { return option->environment_only; });
    return options;
}

const Command* findCommand(const Tool& tool, std::string_view name) {
    const auto found = std::ranges::find(tool.commands, name, &Command::name);
    return found == tool.commands.end() ? nullptr : &*found;
}

const Command* defaultCommand(const Tool& tool) {
    return tool.default_command.empty() ? nullptr : findCommand(tool, tool.default_command);
}

std::string tomlKey(const Option& option) {
    std::string key(option.toml_key.empty() ? option.name : option.toml_key);
    std::ranges::replace(key, '-', '_');
    return key;
}

std::string placeholder(const Option& option) {
    if (!option.placeholder.empty()) return std::string(option.placeholder);
    switch (option.type) {
        case Type::Flag:
            return {};
        case Type::Integer:
            return "N";
        case Type::Number:
            return "NUMBER";
        case Type::Size:
            return "SIZE";
        case Type::Duration:
            return "TIME";
        case Type::Text:
            return option.file ? "FILE" : "TEXT";
        case Type::Choice:
            return "WORD";
    }
    return {};
}

}  // namespace mc::config
