#include <fmt/format.h>

#include <algorithm>

#include "config/documents.h"
#include "config/layout.h"

namespace mc::config {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kColumn = 34;  // Where the texts of the options start.

void addWrapped(std::string& help, std::string_view text, std::size_t indent, std::size_t width) {
    for (const auto& line : wrapText(text, std::max<std::size_t>(width, indent + 20) - indent)) {
        help += line.empty() ? "\n" : fmt::format("{:{}}{}\n", "", indent, line);
    }
}

// A term, and its text beside it or, where the term is too long, below.
void addEntry(std::string& help, const std::string& term, const std::string& text, std::size_t column,
              std::size_t width) {
    const std::string head = fmt::format("{:{}}{}", "", kIndent, term);
    std::string body;
    addWrapped(body, text, column, width);
    if (head.size() + 2 <= column && body.size() > column) {
        help += head + body.substr(head.size());
    } else {
        help += head + "\n" + body;
    }
}

void addOption(std::string& help, const Option& option, std::size_t width) {
    std::string term = option.letter != 0 ? fmt::format("-{}, ", option.letter) : "    ";
    term += displayName(option);
    if (const auto value = placeholder(option); !value.empty()) term += fmt::format(" {}", value);
    if (option.repeated) term += option.unsplit ? "..." : ",...";
    std::string text(option.summary);
    if (const auto known = facts(option); !known.empty()) text += fmt::format(" [{}]", known);
    addEntry(help, term, text, std::min(kColumn, width / 2), width);
}

std::string usage(const Tool& tool, const Command* command) {
    if (command == nullptr && defaultCommand(tool) != nullptr)
        return fmt::format("{} [COMMAND] [OPTIONS]", tool.main.name);
    if (command != nullptr) {
        return fmt::format("{} {} [OPTIONS]{}", tool.main.name, command->name,
                           positionalSynopsis(optionsOf(tool, command)));
    }
    if (!tool.commands.empty()) return fmt::format("{} COMMAND [OPTIONS]", tool.main.name);
    return fmt::format("{} [OPTIONS]{}", tool.main.name, positionalSynopsis(optionsOf(tool)));
}

void addCommands(std::string& help, const Tool& tool, std::size_t width) {
    std::size_t longest = 0;
    for (const auto& each : tool.commands)
        longest = std::max(longest, each.name.size());
    help += "\nCommands:\n";
    for (const auto& each : tool.commands) {
        addEntry(help, std::string(each.name), std::string(each.summary), longest + 2 * kIndent, width);
    }
    help += fmt::format("\n{} COMMAND --help tells more about one.", tool.main.name);
    help += tool.default_command.empty() ? "\n" : fmt::format(" Without one, it is {}.\n", tool.default_command);
}

std::vector<const Option*> helpedOptions(const Tool& tool, const Command* command) {
    auto options = command == nullptr ? std::vector<const Option*>() : firstDocumented(tool, *command);
    for (const Option* option : optionsOf(tool)) {
        const auto same_name = [&](const Option* other) { return other->name == option->name; };
        if (std::ranges::none_of(options, same_name)) options.push_back(option);
    }
    return options;
}

}  // namespace

std::string helpText(const Tool& tool, const Command* command, std::size_t width) {
    const Command* const implied = defaultCommand(tool);
    if (command == implied) command = nullptr;
    const Command& subject = command != nullptr ? *command : tool.main;
    const std::string name =
        command != nullptr ? fmt::format("{} {}", tool.main.name, command->name) : std::string(tool.main.name);
    std::string help;
    addWrapped(help, fmt::format("{}: {}", name, subject.summary), 0, width);
    if (!subject.description.empty()) {
        help += "\n";
        addWrapped(help, subject.description, 0, width);
    }
    help += "\nExamples:\n";
    for (const auto& example : subject.examples) {
        // A command line is not wrapped: it is there to be pasted.
        help += fmt::format("{0:{1}}# {2}\n{0:{1}}{3}\n", "", kIndent, example.purpose, example.command);
    }
    help += fmt::format("\nUsage: {}\nOf an option that is given twice the last counts.\n", usage(tool, command));
    if (command == nullptr && !tool.commands.empty()) addCommands(help, tool, width);
    for (const auto& [group, options] : groupsOf(helpedOptions(tool, command != nullptr ? command : implied))) {
        help += fmt::format("\n{}:\n", group);
        for (const Option* option : options)
            addOption(help, *option, width);
    }
    if (const auto note = extensionNote(tool, subject); !note.empty()) help += "\n" + note + "\n";
    const auto& exit_codes = subject.exit_codes.empty() ? tool.main.exit_codes : subject.exit_codes;
    if (!exit_codes.empty()) help += "\nExit status:\n";
    for (const auto& [code, meaning] : exit_codes) {
        addEntry(help, fmt::format("{:>3}", static_cast<int>(code)), std::string(meaning), kIndent + 5, width);
    }
    return help;
}

}  // namespace mc::config
