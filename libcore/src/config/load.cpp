#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/errors.h"
#include "base/text.h"
#include "config/arguments.h"
#include "config/toml_file.h"
#include "config/values.h"

namespace mc::config {

/// Fills the Values of one load(), source after source.
class Loader {
  public:
    Loader(const Tool& tool, const Sources& sources) : tool_(tool), sources_(sources) {}

    Result<Values> run() {
        auto parsed = parseArguments(tool_, sources_.arguments);
        if (!parsed) return std::unexpected(std::move(parsed.error()));
        values_.command_ = parsed->command;
        for (const Option* option : settingsOf(tool_, parsed->command)) {
            values_.entries_.push_back({.option = option, .items = {}, .origin = {}, .set = false});
        }
        // A later source wins; flags are read first because they can make the others unnecessary.
        if (auto done = flags(*parsed); !done) return std::unexpected(std::move(done.error()));
        const bool early = std::ranges::any_of(values_.entries_, [](const Values::Entry& entry) {
            return entry.option->early && !entry.items.empty() && std::get<bool>(entry.items.front());
        });
        if (early) return std::move(values_);
        if (auto done = environment(); !done) return std::unexpected(std::move(done.error()));
        if (auto done = file(); !done) return std::unexpected(std::move(done.error()));
        if (auto done = defaults(); !done) return std::unexpected(std::move(done.error()));
        if (auto done = complete(); !done) return std::unexpected(std::move(done.error()));
        return std::move(values_);
    }

  private:
    Result<void> flags(const ParsedArguments& parsed) {
        for (auto& entry : values_.entries_) {
            const auto given = parsed.given.find(entry.option);
            if (given == parsed.given.end()) continue;
            // Of an option given twice the last counts, as in gflags.
            const Option& option = *entry.option;
            const bool all = option.repeated && (option.accumulates || option.positional);
            const std::span<const std::string> texts =
                all ? std::span(given->second) : std::span(given->second).last(1);
            if (auto done = fill(entry, {Origin::Source::Flag, {}}, texts); !done) return done;
        }
        return {};
    }

    Result<void> environment() {
        for (auto& entry : values_.entries_) {
            if (entry.set || entry.option->environment.empty()) continue;
            std::vector<std::string_view> names{entry.option->environment};
            names.insert(names.end(), entry.option->environment_aliases.begin(),
                         entry.option->environment_aliases.end());
            for (const auto name : names) {
                const auto variable = sources_.environment.find(name);
                if (variable == sources_.environment.end() || variable->second.empty()) continue;
                const std::string text = entry.option->environment_presence ? "true" : variable->second;
                const Origin origin{Origin::Source::Environment, std::string(name)};
                if (auto done = fill(entry, origin, std::span(&text, 1)); !done) return done;
                if (entry.option->environment_inverts) entry.items.front() = !std::get<bool>(entry.items.front());
                break;
            }
        }
        return {};
    }

    Result<void> file() {
        std::string path = sources_.toml_file;
        for (const auto& entry : values_.entries_) {
            if (!entry.option->config_file || !entry.set) continue;
            path = std::get<std::string>(entry.items.front());
            if (path.empty()) return std::unexpected(located(entry.origin, *entry.option, "names no file", ""));
        }
        if (path.empty()) return {};
        auto toml = readToml(path);
        if (!toml) return std::unexpected(std::move(toml.error()));
        for (const auto& line : *toml) {
            const auto mine = std::ranges::find_if(values_.entries_, [&](const Values::Entry& entry) {
                return entry.option->toml && !entry.option->environment_only && tomlKey(*entry.option) == line.key;
            });
            if (mine == values_.entries_.end()) {
                if (!isKeyOfAnyCommand(line.key)) return unknownKey(line);
            } else if (auto done = fillFromFile(*mine, line); !done) {
                return done;
            }
        }
        return {};
    }

    Result<void> defaults() {
        for (auto& entry : values_.entries_) {
            if (entry.set || entry.option->fallback.empty()) continue;
            const std::string text(entry.option->fallback);
            if (auto done = fill(entry, {}, std::span(&text, 1)); !done) return done;
        }
        return {};
    }

    Result<void> complete() {
        if (!tool_.commands.empty() && values_.command_ == nullptr) {
            std::vector<std::string> names;
            for (const auto& command : tool_.commands)
                names.emplace_back(command.name);
            return fail(ErrorCode::InvalidArgument, "no command given",
                        fmt::format("commands are {}", join(names, ", ")));
        }
        for (const auto& entry : values_.entries_) {
            if (!entry.option->required || entry.set) continue;
            return fail(ErrorCode::InvalidArgument, fmt::format("--{}: a value is required", entry.option->name),
                        fmt::format("give --{} {}", entry.option->name, placeholder(*entry.option)));
        }
        return {};
    }

    static Result<void> fill(Values::Entry& entry, Origin origin, std::span<const std::string> texts) {
        for (const auto& text : texts) {
            const auto items = entry.option->repeated && !entry.option->unsplit
                                   ? splitList(*entry.option, text)
                                   : Result<std::vector<std::string>>(std::vector<std::string>{text});
            if (!items)
                return std::unexpected(located(origin, *entry.option, items.error().message, items.error().hint));
            for (const auto& item : *items) {
                if (auto done = add(entry, origin, parseScalar(*entry.option, item)); !done) return done;
            }
        }
        entry.origin = std::move(origin);
        entry.set = true;
        return {};
    }

    static Result<void> add(Values::Entry& entry, const Origin& origin, Result<Scalar> scalar) {
        if (!scalar) {
            return std::unexpected(located(origin, *entry.option, scalar.error().message, scalar.error().hint));
        }
        entry.items.push_back(std::move(*scalar));
        return {};
    }

    static Result<void> fillFromFile(Values::Entry& entry, const TomlEntry& line) {
        const Option& option = *entry.option;
        Values::Entry read{.option = &option, .items = {}, .origin = {Origin::Source::File, line.where}, .set = true};
        if (line.list && !option.repeated) {
            return std::unexpected(located(read.origin, option, "takes one value, not a list", ""));
        }
        for (const auto& item : line.items) {
            if (auto done = add(read, {Origin::Source::File, item.where}, fromToml(option, item)); !done) return done;
        }
        if (!entry.set) entry = std::move(read);
        return {};
    }

    static Result<Scalar> fromToml(const Option& option, const TomlScalar& item) {
        const auto* on = std::get_if<bool>(&item.value);
        const auto* integer = std::get_if<std::int64_t>(&item.value);
        const auto* number = std::get_if<double>(&item.value);
        const auto* text = std::get_if<std::string>(&item.value);
        switch (option.type) {
            case Type::Flag:
                if (on != nullptr) return *on;
                break;
            case Type::Integer:
                if (integer != nullptr) return checkRange(option, *integer);
                break;
            case Type::Number:
                if (integer != nullptr) return checkRange(option, static_cast<double>(*integer));
                if (number != nullptr && std::isfinite(*number)) return checkRange(option, *number);
                break;
            case Type::Size:
                if (integer != nullptr) return parseScalar(option, fmt::to_string(*integer));
                if (text != nullptr) return parseScalar(option, *text);
                break;
            case Type::Duration:
                if (integer != nullptr) return parseScalar(option, fmt::to_string(*integer));
                if (number != nullptr) return parseScalar(option, fmt::format("{:f}", *number));
                if (text != nullptr) return parseScalar(option, *text);
                break;
            case Type::Text:
            case Type::Choice:
                if (text != nullptr) return parseScalar(option, *text);
                break;
        }
        constexpr std::array<std::string_view, 4> kFound{"a boolean", "an integer", "a floating-point number",
                                                         "a string"};
        return fail(ErrorCode::Config,
                    fmt::format("must be {}, not {}", describe(option.type), kFound[item.value.index()]));
    }

    template <typename Visitor>
    void forEachKey(const Visitor& visit) const {
        const auto keys = [&](const Command* command) {
            for (const Option* option : optionsOf(tool_, command)) {
                if (option->toml) visit(tomlKey(*option));
            }
        };
        keys(nullptr);
        for (const auto& command : tool_.commands)
            keys(&command);
    }

    // One file may serve every subcommand of a tool.
    bool isKeyOfAnyCommand(const std::string& key) const {
        bool known = false;
        forEachKey([&](const std::string& name) { known = known || name == key; });
        return known;
    }

    std::unexpected<Error> unknownKey(const TomlEntry& line) const {
        std::vector<std::string> names;
        forEachKey([&](std::string name) { names.push_back(std::move(name)); });
        const auto nearest = nearestName(line.key, names);
        return fail(ErrorCode::Config, fmt::format("{}: unknown key \"{}\"", line.key_where, line.key),
                    nearest ? fmt::format("did you mean {}?", *nearest)
                            : fmt::format("{} --print-config lists the keys", tool_.main.name));
    }

    const Tool& tool_;
    const Sources& sources_;
    Values values_;
};

Result<Values> load(const Tool& tool, const Sources& sources) {
    return Loader(tool, sources).run();
}

Variables processEnvironment() {
    Variables environment;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return environment;
}

}  // namespace mc::config
