#include <algorithm>

#include "config/arguments.h"
#include "config/toml_file.h"
#include "config/values.h"

namespace mc::config {
namespace {

std::optional<Scalar> readable(const Option& option, std::string_view text) {
    auto value = parseScalar(option, text);
    if (!value) return std::nullopt;
    return std::move(*value);
}

// What argv says of the options, up to "--", passing over what it does not know.
class ArgumentScan {
  public:
    ArgumentScan(const Tool& tool, std::span<const std::string> arguments)
        : tool_(tool), options_(optionsOf(tool)), arguments_(arguments) {}

    std::optional<Scalar> last(const Option& wanted) {
        std::optional<Scalar> found;
        for (std::size_t i = 0; i < arguments_.size() && arguments_[i] != "--"; ++i) {
            const std::string& token = arguments_[i];
            if (!token.starts_with('-')) {
                if (const Command* command = findCommand(tool_, token)) options_ = optionsOf(tool_, command);
                continue;
            }
            const auto body = std::string_view(token).substr(token.starts_with("--") ? 2 : 1);
            const auto equals = body.find('=');
            const auto [option, negated] = findOption(options_, body.substr(0, equals));
            if (option == nullptr) continue;
            std::string value = equals == std::string_view::npos ? "true" : std::string(body.substr(equals + 1));
            if (option->type != Type::Flag && equals == std::string_view::npos) {
                if (++i == arguments_.size()) break;
                value = arguments_[i];
            }
            if (option->name != wanted.name) continue;
            if (auto read = negated ? Scalar(false) : readable(wanted, value)) found = std::move(read);
        }
        return found;
    }

  private:
    const Tool& tool_;
    std::vector<const Option*> options_;
    std::span<const std::string> arguments_;
};

std::optional<Scalar> fromEnvironment(const Option& option, const Variables& environment) {
    if (option.environment.empty()) return std::nullopt;
    const auto variable = environment.find(option.environment);
    if (variable == environment.end() || variable->second.empty()) return std::nullopt;
    auto value = readable(option, option.environment_presence ? "true" : variable->second);
    if (value && option.environment_inverts) *value = !std::get<bool>(*value);
    return value;
}

}  // namespace

std::optional<Scalar> glimpse(const Tool& tool, const Sources& sources, std::string_view name) {
    const auto options = optionsOf(tool);
    const auto wanted = std::ranges::find(options, name, [](const Option* option) { return option->name; });
    if (wanted == options.end()) return std::nullopt;
    ArgumentScan argv(tool, sources.arguments);
    if (auto value = argv.last(**wanted)) return value;
    if (auto value = fromEnvironment(**wanted, sources.environment)) return value;
    if (!(*wanted)->toml) return std::nullopt;

    std::string path = sources.toml_file;
    const auto names_file = std::ranges::find_if(options, [](const Option* option) { return option->config_file; });
    if (names_file != options.end()) {
        if (const auto given = ArgumentScan(tool, sources.arguments).last(**names_file)) {
            path = std::get<std::string>(*given);
        }
    }
    if (path.empty()) return std::nullopt;
    const auto text = glimpseToml(path, tomlKey(**wanted));
    return text ? readable(**wanted, *text) : std::nullopt;
}

}  // namespace mc::config
