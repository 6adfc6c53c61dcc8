#include <fmt/format.h>

#include <cctype>

#include "config/documents.h"
#include "config/layout.h"

namespace mc::config {
namespace {

// Text of one line as roff shows it: no escape, no request, and a hyphen that can be pasted.
std::string escaped(std::string_view text) {
    std::string roff;
    if (text.starts_with('.') || text.starts_with('\'')) roff += "\\&";
    for (const char letter : text) {
        if (letter == '\\') {
            roff += "\\e";
        } else if (letter == '-') {
            roff += "\\-";
        } else {
            roff += letter;
        }
    }
    return roff;
}

void addParagraphs(std::string& roff, std::string_view text) {
    bool first = true;
    for (const auto& paragraph : paragraphs(text)) {
        if (!first) roff += ".IP\n";  // Stays inside the entry.
        first = false;
        for (const auto& line : wrapText(paragraph, 100))
            roff += escaped(line) + "\n";
    }
}

void addOption(std::string& roff, const Option& option) {
    roff += ".TP\n";
    if (option.letter != 0) roff += fmt::format("\\fB\\-{}\\fR, ", option.letter);
    roff += fmt::format("\\fB{}\\fR", escaped(displayName(option)));
    if (const auto value = placeholder(option); !value.empty()) roff += fmt::format(" \\fI{}\\fR", escaped(value));
    if (option.repeated) roff += option.unsplit ? "..." : ",...";
    roff += "\n";
    std::string summary(option.summary);
    if (!summary.empty()) summary[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(summary[0])));
    addParagraphs(roff, summary + ".");
    if (!option.details.empty()) addParagraphs(roff, option.details);
    if (const auto known = facts(option); !known.empty()) addParagraphs(roff, fmt::format("[{}]", known));
}

void addGroups(std::string& roff, const std::vector<const Option*>& options, const std::string& prefix) {
    for (const auto& [group, members] : groupsOf(options)) {
        roff += fmt::format(".SS \"{}{}\"\n", escaped(prefix), escaped(group));
        for (const Option* option : members)
            addOption(roff, *option);
    }
}

}  // namespace

std::string manOptions(const Tool& tool) {
    std::string roff;
    for (const auto& command : tool.commands) {
        addGroups(roff, firstDocumented(tool, command), fmt::format("{} {}: ", tool.main.name, command.name));
        if (const auto note = extensionNote(tool, command); !note.empty()) roff += ".PP\n" + escaped(note) + "\n";
    }
    addGroups(roff, optionsOf(tool), "");
    return roff;
}

}  // namespace mc::config
