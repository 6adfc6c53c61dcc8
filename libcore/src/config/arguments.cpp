#include "config/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/errors.h"
#include "base/text.h"

namespace mc::config {
namespace {

std::string withDashes(std::string_view name) {
    std::string dashed(name);
    std::ranges::replace(dashed, '_', '-');
    return dashed;
}

const Option* byName(std::span<const Option* const> options, std::string_view name) {
    for (const Option* option : options) {
        if (option->name == name || std::ranges::find(option->aliases, name) != option->aliases.end()) return option;
    }
    return nullptr;
}

const Option* byLetter(std::span<const Option* const> options, char letter) {
    const auto found = std::ranges::find(options, letter, [](const Option* option) { return option->letter; });
    return found == options.end() ? nullptr : *found;
}

std::vector<std::string> namesOf(std::span<const Option* const> options) {
    std::vector<std::string> names;
    for (const Option* option : options) {
        names.emplace_back(option->name);
        names.insert(names.end(), option->aliases.begin(), option->aliases.end());
    }
    return names;
}

std::string helpHint(const Tool& tool, const Command* command) {
    return command == nullptr ? fmt::format("{} --help lists the options", tool.main.name)
                              : fmt::format("{} {} --help lists the options", tool.main.name, command->name);
}

class Normaliser {
  public:
    explicit Normaliser(const Tool& tool) : tool_(tool), options_(optionsOf(tool, defaultCommand(tool))) {}

    Result<NormalisedArguments> run(std::span<const std::string> arguments) {
        bool only_positionals = false;
        for (const auto& token : arguments) {
            Result<void> step;
            if (awaiting_ != nullptr) {
                awaiting_ = nullptr;
                result_.options.push_back(token);
            } else if (!only_positionals && token == "--") {
                only_positionals = true;
            } else if (only_positionals || token.size() < 2 || token[0] != '-') {
                step = positional(token);
            } else {
                step = option(token);
            }
            if (!step) return std::unexpected(std::move(step.error()));
        }
        if (result_.command == nullptr) result_.command = defaultCommand(tool_);
        if (awaiting_ == nullptr) return std::move(result_);
        return fail(ErrorCode::InvalidArgument, fmt::format("--{} needs a value", awaiting_->name),
                    fmt::format("give --{} {}", awaiting_->name, placeholder(*awaiting_)));
    }

  private:
    Result<void> positional(const std::string& token) {
        if (tool_.commands.empty() || result_.command != nullptr) {
            result_.positionals.push_back(token);
            return {};
        }
        result_.command = findCommand(tool_, token);
        if (result_.command == nullptr) {
            std::vector<std::string> names;
            for (const auto& command : tool_.commands)
                names.emplace_back(command.name);
            const auto nearest = nearestName(token, names);
            return fail(ErrorCode::InvalidArgument, fmt::format("unknown command \"{}\"", token),
                        nearest ? fmt::format("did you mean {}?", *nearest)
                                : fmt::format("commands are {}", join(names, ", ")));
        }
        options_ = optionsOf(tool_, result_.command);
        return {};
    }

    Result<void> option(const std::string& token) {
        const std::size_t dashes = token.starts_with("--") ? 2 : 1;
        const std::string_view body = std::string_view(token).substr(dashes);
        const auto equals = body.find('=');
        const std::string_view name = body.substr(0, equals);
        if (dashes == 1 && letters(body)) {
            result_.options.push_back(token);
            return {};
        }
        const auto [found, negated] = dashes == 1 && name.size() == 1 ? NamedOption{} : findOption(options_, name);
        if (found == nullptr) return unknown(token.substr(0, dashes) + std::string(name), name);

        const bool has_value = equals != std::string_view::npos;
        std::string canonical = fmt::format("--{}", found->name);
        if (negated) {
            if (has_value) {
                return fail(ErrorCode::InvalidArgument, fmt::format("{} takes no value", name),
                            fmt::format("write {0}=true or {0}=false", canonical));
            }
            result_.options.push_back(canonical + "=false");
        } else if (!has_value) {
            if (found->type != Type::Flag) awaiting_ = found;
            result_.options.push_back(std::move(canonical));
        } else if (equals + 1 == body.size() && found->type != Type::Flag) {
            // CLI11 would take the next argument for the value of "--name=".
            result_.options.insert(result_.options.end(), {std::move(canonical), std::string()});
        } else {
            result_.options.push_back(canonical + std::string(body.substr(equals)));
        }
        return {};
    }

    // "-q", "-qv", "-n5", "-n" "5": letters of the table, unless it is a long name after gflags' single dash.
    bool letters(std::string_view body) {
        if (body.size() > 1 && findOption(options_, body.substr(0, body.find('='))).option != nullptr) return false;
        for (std::size_t i = 0; i < body.size(); ++i) {
            const Option* option = byLetter(options_, body[i]);
            if (option == nullptr) return false;
            if (option->type == Type::Flag) continue;
            if (i + 1 == body.size()) awaiting_ = option;
            return true;
        }
        return true;
    }

    std::unexpected<Error> unknown(const std::string& written, std::string_view name) const {
        std::string hint = helpHint(tool_, result_.command);
        if (const auto nearest = nearestName(withDashes(name), namesOf(options_))) {
            hint = fmt::format("did you mean --{}?", *nearest);
        } else if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) {
            hint = "put -- before an argument that starts with a dash";
        }
        return fail(ErrorCode::InvalidArgument, fmt::format("unknown option {}", written), std::move(hint));
    }

    const Tool& tool_;
    std::vector<const Option*> options_;
    NormalisedArguments result_;
    const Option* awaiting_ = nullptr;  ///< Its value is the next argument, whatever that looks like.
};

}  // namespace

NamedOption findOption(std::span<const Option* const> options, std::string_view name) {
    const std::string dashed = withDashes(name);
    if (const Option* option = byName(options, dashed)) return {option, false};
    for (const std::string_view prefix : {"no-", "no"}) {
        if (!dashed.starts_with(prefix)) continue;
        const Option* option = byName(options, std::string_view(dashed).substr(prefix.size()));
        if (option != nullptr && option->type == Type::Flag) return {option, true};
    }
    return {};
}

Result<NormalisedArguments> normaliseArguments(const Tool& tool, std::span<const std::string> arguments) {
    return Normaliser(tool).run(arguments);
}

}  // namespace mc::config
