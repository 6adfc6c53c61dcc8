#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/errors.h"
#include "config/arguments.h"

namespace mc::config {
namespace {

// The options' values as CLI11 splits them. Names are canonical already.
Result<std::map<const Option*, std::vector<std::string>>> split(std::span<const Option* const> options,
                                                                std::vector<std::string> tokens) {
    std::map<const Option*, std::vector<std::string>> given;
    try {
        CLI::App app;
        app.set_help_flag();
        std::map<const Option*, CLI::Option*> added;
        std::vector<std::string> sink;
        for (const Option* option : options) {
            std::string names = fmt::format("--{}", option->name);
            if (option->letter != 0) names += fmt::format(",-{}", option->letter);
            CLI::Option* const handle =
                option->type == Type::Flag ? app.add_flag(names) : app.add_option(names, sink)->expected(1);
            // "[::1]" is an address, not a list of CLI11's.
            handle->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
            added.emplace(option, handle);
        }
        std::ranges::reverse(tokens);  // As CLI11 wants them.
        app.parse(std::move(tokens));
        for (const auto& [option, handle] : added) {
            if (handle->count() != 0) given.emplace(option, handle->results());
        }
    } catch (const CLI::Error& error) {
        return fail(ErrorCode::InvalidArgument, error.what());
    }
    return given;
}

Result<void> assignPositionals(const NormalisedArguments& arguments, std::span<const Option* const> options,
                               ParsedArguments& parsed) {
    std::size_t next = 0;
    for (const Option* option : options) {
        if (!option->positional || next == arguments.positionals.size()) continue;
        auto& values = parsed.given[option];
        do {
            values.push_back(arguments.positionals[next++]);
        } while (option->repeated && next < arguments.positionals.size());
    }
    if (next == arguments.positionals.size()) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("unexpected argument \"{}\"", arguments.positionals[next]),
                "options start with --; quote a value that has spaces");
}

}  // namespace

Result<ParsedArguments> parseArguments(const Tool& tool, std::span<const std::string> arguments) {
    auto normalised = normaliseArguments(tool, arguments);
    if (!normalised) return std::unexpected(std::move(normalised.error()));
    const auto options = optionsOf(tool, normalised->command);
    auto given = split(options, std::move(normalised->options));
    if (!given) return std::unexpected(std::move(given.error()));
    ParsedArguments parsed{normalised->command, std::move(*given)};
    if (auto done = assignPositionals(*normalised, options, parsed); !done) return std::unexpected(done.error());
    return parsed;
}

}  // namespace mc::config
