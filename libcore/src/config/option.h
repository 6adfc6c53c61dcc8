#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "config/fixed_list.h"

namespace mc::config {

enum class Type {
    Flag,      ///< On or off; takes no value, or "=true|false|yes|no|on|off|1|0".
    Integer,   ///< 64 bit, signed.
    Number,    ///< Floating point, finite.
    Size,      ///< Bytes: "4KiB", "1GB", "64k", "512".
    Duration,  ///< "500ms", "10s"; a bare number is seconds.
    Text,
    Choice,  ///< One of `choices`; where only one fits, in any case.
};

using Names = FixedList<std::string_view, 20>;

/// One thing that can be set, wherever it is set: argv, environment, TOML file. Tables of options are constexpr; their
/// string_views refer to literals.
struct Option {
    std::string_view name{};         ///< With dashes: "block-size" is --block-size and --block_size.
    char letter = 0;                 ///< The q of -q.
    Names aliases{};                 ///< Other long names, with dashes.
    std::string_view placeholder{};  ///< What help calls the value; by default a word for the type.
    Type type = Type::Text;
    bool repeated = false;           ///< A list: separated by commas or spaces, or a TOML array.
    bool accumulates = false;        ///< A list that each further --NAME adds to; of any other option the last counts.
    bool unsplit = false;            ///< A list whose items may have commas and spaces, as names of files have.
    bool positional = false;         ///< Also the arguments that are no options, in the table's order; a list adds up.
    bool required = false;           ///< Must have a value from somewhere.
    bool secret = false;             ///< Its value is never shown.
    bool file = false;               ///< Names a file, for completions.
    bool early = false;              ///< --help and its like: when given, nothing else is read or checked.
    bool config_file = false;        ///< Names the TOML file that load() reads.
    std::string_view environment{};  ///< Variable that sets it.
    Names environment_aliases{};     ///< Further variables, looked at in this order.
    bool environment_presence = false;  ///< Flag: any value of the variable means on, "0" too.
    bool environment_inverts = false;   ///< Flag: the variable switches off what the option switches on.
    bool environment_only = false;      ///< Neither argv nor a TOML file sets it; no document shows it as an option.
    std::string_view toml_key{};        ///< By default the name with underscores.
    bool toml = true;                   ///< Whether a TOML file can set it.
    std::string_view min{};             ///< Smallest value, written like a value; for a list, of each item.
    std::string_view max{};
    Names choices{};
    std::string_view fallback{};  ///< The default, written like a value on the command line; empty: unset.
    std::string_view group = "Options";
    std::string_view summary{};  ///< For help and completions: one phrase, no full stop.
    std::string_view details{};  ///< Added to the summary in the man page: sentences.
};

struct Example {
    std::string_view purpose{};
    std::string_view command{};
};

struct ExitMeaning {
    ExitCode code = ExitCode::Ok;
    std::string_view meaning{};
};

/// An executable, or one of its subcommands. Where two tables of `options` have an entry of the same name, the first
/// counts: a tool may replace an entry that it shares with others.
struct Command {
    std::string_view name{};
    std::string_view summary{};      ///< One phrase: "measure throughput and latency".
    std::string_view description{};  ///< Paragraphs, separated by an empty line.
    FixedList<Example, 8> examples{};
    FixedList<std::span<const Option>, 12> options{};
    std::string_view extends{};  ///< A command whose options it takes, too; help and manual page only name it.
    FixedList<ExitMeaning, 16> exit_codes{};
};

struct Tool {
    Command main;
    std::span<const Command> commands{};  ///< Subcommands; each also takes the options of `main`.
    std::string_view default_command{};   ///< The one that is meant where none is named; empty: one must be.
};

/// The options of a tool, or with `command` also those of this subcommand (which come first, and win by name).
std::vector<const Option*> optionsOf(const Tool& tool, const Command* command = nullptr);

/// These, and what only the environment sets.
std::vector<const Option*> settingsOf(const Tool& tool, const Command* command = nullptr);

/// The subcommand of that name, or nullptr.
const Command* findCommand(const Tool& tool, std::string_view name);

/// The subcommand that is meant where none is named, or nullptr.
const Command* defaultCommand(const Tool& tool);

/// "block_size".
std::string tomlKey(const Option& option);

/// "SIZE" or what the table says; empty for a flag.
std::string placeholder(const Option& option);

}  // namespace mc::config
