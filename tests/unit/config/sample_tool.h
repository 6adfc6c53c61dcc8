#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "config/values.h"
#include "temporary.h"

namespace mc::config::test {

inline constexpr Option kSampleOptions[] = {
    {.name = "files",
     .type = Type::Text,
     .repeated = true,
     .positional = true,
     .file = true,
     .environment = "MC_FILES",
     .group = "Load",
     .summary = "files to read"},
    {.name = "block-size",
     .letter = 'b',
     .aliases = {"request-size"},
     .type = Type::Size,
     .repeated = true,
     .min = "1",
     .max = "1GiB",
     .fallback = "64KiB",
     .group = "Load",
     .summary = "bytes of one request",
     .details = "A list runs one after the other.\n.Lines that start with a dot, and back\\slashes, are text."},
    {.name = "label",
     .repeated = true,
     .accumulates = true,
     .group = "Load",
     .summary = "words to keep with the result"},
    {.name = "threads",
     .type = Type::Integer,
     .environment = "MC_THREADS",
     .environment_aliases = {"MC_OLD_THREADS"},
     .min = "1",
     .max = "128",
     .fallback = "12",
     .group = "Load",
     .summary = "threads that submit"},
    {.name = "offset", .type = Type::Integer, .min = "-100", .group = "Load", .summary = "where to start"},
    {.name = "ratio", .type = Type::Number, .min = "0", .max = "1", .fallback = "0.5", .summary = "part of writes"},
    {.name = "duration",
     .type = Type::Duration,
     .environment = "MC_DURATION",
     .fallback = "10s",
     .summary = "how long"},
    {.name = "mode",
     .type = Type::Choice,
     .environment = "MC_MODE",
     .choices = {"initiator", "target", "loopback"},
     .fallback = "initiator",
     .summary = "role of this process"},
    {.name = "report-unit", .type = Type::Choice, .choices = {"GB", "Gb", "KiB"}, .fallback = "GB", .summary = "unit"},
    {.name = "segment-id", .type = Type::Text, .summary = "the [remote] segment's name: as \"published\""},
    {.name = "password", .type = Type::Text, .secret = true, .environment = "MC_PASSWORD", .summary = "for the store"},
    {.name = "auto-discovery", .type = Type::Flag, .environment = "MC_AUTO", .summary = "find devices"},
    {.name = "cache",
     .type = Type::Flag,
     .environment = "MC_DISABLE_CACHE",
     .environment_presence = true,
     .environment_inverts = true,
     .fallback = "true",
     .summary = "keep descriptors"},
    {.name = "ipv6", .type = Type::Flag, .environment = "MC_USE_IPV6", .environment_presence = true, .summary = "IPv6"},
    {.name = "json", .type = Type::Flag, .environment = "MC_JSON", .group = "Common", .summary = "print JSON"},
    {.name = "quiet", .letter = 'q', .type = Type::Flag, .group = "Common", .summary = "say less"},
    {.name = "no-input", .type = Type::Flag, .group = "Common", .summary = "never ask"},
    {.name = "config",
     .type = Type::Text,
     .file = true,
     .config_file = true,
     .toml = false,
     .group = "Common",
     .summary = "TOML file"},
    {.name = "help",
     .letter = 'h',
     .type = Type::Flag,
     .early = true,
     .toml = false,
     .group = "Common",
     .summary = "help"},
};

inline constexpr Tool kSample{.main = {
                                  .name = "mc-sample",
                                  .summary = "show what an option table can do",
                                  .description = "First paragraph, long enough that it has to be wrapped at the width "
                                                 "of an ordinary terminal.\n\nSecond paragraph.",
                                  .examples = {{"Run with one thread", "mc-sample --threads 1"},
                                               {"Run on two files", "mc-sample /data/f0 /data/f1"}},
                                  .options = {kSampleOptions},
                                  .exit_codes = {{ExitCode::Ok, "done"}, {ExitCode::Usage, "wrong usage"}},
                              }};

inline constexpr Option kListOptions[] = {
    {.name = "prefix", .type = Type::Text, .positional = true, .required = true, .summary = "what names start with"},
    {.name = "threads", .type = Type::Integer, .fallback = "3", .summary = "replaces the tool's"},
};
inline constexpr Option kSaveOptions[] = {
    {.name = "target-file", .type = Type::Text, .positional = true, .file = true, .summary = "where to"},
};
inline constexpr Command kStoreCommands[] = {
    {.name = "list",
     .summary = "list keys",
     .description = "Prints keys.",
     .examples = {{"All", "mc-store list mc/"}, {"As JSON", "mc-store list --json mc/"}},
     .options = {kListOptions}},
    {.name = "save",
     .summary = "save keys",
     .description = "Writes keys.",
     .examples = {{"To a file", "mc-store save keys.json"}, {"Quietly", "mc-store save -q keys.json"}},
     .options = {kSaveOptions}},
};
inline constexpr Tool kStore{
    .main = {.name = "mc-store",
             .summary = "keys of a store",
             .description = "A tool with subcommands.",
             .examples = {{"List", "mc-store list mc/"}, {"Save", "mc-store save keys.json"}},
             .options = {kSampleOptions}},
    .commands = kStoreCommands,
};

inline constexpr Option kReplayOptions[] = {
    {.name = "config",
     .placeholder = "FILE",
     .positional = true,
     .required = true,
     .file = true,
     .config_file = true,
     .toml = false,
     .summary = "what was saved"},
};
inline constexpr Command kReplayCommands[] = {
    {.name = "list", .summary = "list keys", .options = {kListOptions}},
    {.name = "replay", .summary = "list what a file says", .options = {kReplayOptions}, .extends = "list"},
};
/// One with a command that takes another one's options from a file.
inline constexpr Tool kReplayingStore{.main = kStore.main, .commands = kReplayCommands};

/// The store, where to list is meant when no command is named.
inline constexpr Tool kListingStore{.main = kStore.main, .commands = kStoreCommands, .default_command = "list"};

inline Result<Values> loadSample(std::vector<std::string> arguments, Variables environment = {}, std::string toml = {},
                                 const Tool& tool = kSample) {
    return load(tool, {.arguments = arguments, .environment = std::move(environment), .toml_file = std::move(toml)});
}

/// A file of this content in the test's directory.
inline std::string writeFile(const std::string& name, const std::string& content) {
    std::string path = mc::test::temporaryPath(name);
    std::ofstream(path) << content;
    return path;
}

}  // namespace mc::config::test
