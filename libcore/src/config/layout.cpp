#include "config/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace mc::config {

Groups groupsOf(const std::vector<const Option*>& options) {
    Groups groups;
    for (const Option* option : options) {
        auto group = std::ranges::find(groups, option->group, &Groups::value_type::first);
        if (group == groups.end()) group = groups.insert(group, {std::string(option->group), {}});
        group->second.push_back(option);
    }
    return groups;
}

std::vector<const Option*> ownOptions(const Tool& tool, const Command& command) {
    auto own = optionsOf(tool, &command);
    const auto shared = optionsOf(tool);
    std::erase_if(own, [&](const Option* option) { return std::ranges::find(shared, option) != shared.end(); });
    return own;
}

std::vector<const Option*> firstDocumented(const Tool& tool, const Command& command) {
    auto own = ownOptions(tool, command);
    if (command.extends.empty()) return own;
    const auto others = optionsOf(tool, findCommand(tool, command.extends));
    std::erase_if(own, [&](const Option* option) { return std::ranges::find(others, option) != others.end(); });
    return own;
}

std::string extensionNote(const Tool& tool, const Command& command) {
    return command.extends.empty() ? std::string()
                                   : fmt::format("And the options of {} {}.", tool.main.name, command.extends);
}

std::string positionalSynopsis(const std::vector<const Option*>& options) {
    std::string synopsis;
    for (const Option* option : options) {
        if (!option->positional) continue;
        const std::string name = placeholder(*option) + (option->repeated ? "..." : "");
        synopsis += option->required ? " " + name : " [" + name + "]";
    }
    return synopsis;
}

bool onByDefault(const Option& option) {
    return option.type == Type::Flag && option.fallback == "true";
}

std::string displayName(const Option& option) {
    return fmt::format("--{}{}", onByDefault(option) ? "[no-]" : "", option.name);
}

bool takesFiles(const std::vector<const Option*>& options) {
    return std::ranges::any_of(options, [](const Option* option) { return option->positional && option->file; });
}

std::string joinedChoices(const Option& option, std::string_view separator) {
    return fmt::format("{}", fmt::join(option.choices.begin(), option.choices.end(), separator));
}

std::string facts(const Option& option) {
    std::vector<std::string> parts;
    if (!option.choices.empty()) parts.push_back("one of " + joinedChoices(option, ", "));
    if (!option.fallback.empty()) {
        parts.push_back(fmt::format("default: {}", option.type == Type::Flag ? "on" : option.fallback));
    }
    if (!option.min.empty() && !option.max.empty()) parts.push_back(fmt::format("{} to {}", option.min, option.max));
    if (!option.environment.empty()) {
        parts.push_back(
            fmt::format("environment: {}{}", option.environment, option.environment_inverts ? " switches it off" : ""));
    }
    if (option.accumulates) parts.emplace_back("adds up when given again");
    return join(parts, "; ");
}

std::vector<std::string> paragraphs(std::string_view text) {
    std::vector<std::string> found;
    while (!text.empty()) {
        const auto end = std::min(text.find("\n\n"), text.size());
        if (end != 0) found.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return found;
}

std::vector<std::string> wrapText(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    for (const auto& paragraph : paragraphs(text)) {
        if (!lines.empty()) lines.emplace_back();
        std::string line;
        std::string_view rest = paragraph;
        while (!rest.empty()) {
            const auto length = std::min(rest.find_first_of(" \n"), rest.size());
            if (length != 0) {
                if (!line.empty() && line.size() + 1 + length > width) lines.push_back(std::exchange(line, {}));
                if (!line.empty()) line += ' ';
                line += rest.substr(0, length);
            }
            rest.remove_prefix(std::min(length + 1, rest.size()));
        }
        if (!line.empty()) lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace mc::config
