#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "config/option.h"
#include "config/scalar.h"

namespace mc::config {

using Variables = std::map<std::string, std::string, std::less<>>;

/// A copy of this process's environment.
Variables processEnvironment();

/// Where a value came from.
struct Origin {
    enum class Source { Default, File, Environment, Flag };
    Source source = Source::Default;
    std::string where;  ///< "bench.toml:3:14" or the variable's name.

    /// "default", "bench.toml:3:14", "environment MC_RETRY_CNT", "flag".
    std::string toString() const;
};

/// An error about an option's value: names the place, the option and the problem, with the code that fits the place.
Error located(const Origin& origin, const Option& option, std::string_view problem, std::string hint);

/// The checked value of every option of a tool. Asking for a name or a type that the table does not have is a defect of
/// the caller and aborts.
class Values {
  public:
    /// The subcommand, empty without.
    std::string_view command() const { return command_ == nullptr ? std::string_view() : command_->name; }

    /// The value; where there is neither a value nor a default: off, 0 or empty.
    bool flag(std::string_view name) const;
    std::int64_t integer(std::string_view name) const;
    double number(std::string_view name) const;
    std::uint64_t size(std::string_view name) const;
    std::chrono::nanoseconds duration(std::string_view name) const;
    std::string text(std::string_view name) const;  ///< Text and Choice.

    /// The items of a repeated option.
    std::vector<std::int64_t> integers(std::string_view name) const;
    std::vector<double> numbers(std::string_view name) const;
    std::vector<std::uint64_t> sizes(std::string_view name) const;
    std::vector<std::chrono::nanoseconds> durations(std::string_view name) const;
    std::vector<std::string> texts(std::string_view name) const;

    /// Whether there is a value, be it the default.
    bool has(std::string_view name) const;
    /// Whether there is a value that is not the default.
    bool given(std::string_view name) const;
    const Origin& origin(std::string_view name) const;
    /// An error about this option's value that only the caller could see: names the option and where it came from, with
    /// the code that fits its origin. `rule` goes on after the value: "is above --max-port".
    Error error(std::string_view name, std::string_view rule, std::string hint = {}) const;

    struct Entry {
        const Option* option = nullptr;
        std::vector<Scalar> items;  ///< At most one unless the option is repeated.
        Origin origin;
        bool set = false;  ///< Has a value, which an empty list may be.
    };
    /// All options, in the order of the table.
    std::span<const Entry> entries() const { return entries_; }

  private:
    friend class Loader;

    const Entry& entry(std::string_view name) const;
    template <typename T>
    T one(std::string_view name) const;
    template <typename T>
    std::vector<T> all(std::string_view name) const;

    const Command* command_ = nullptr;
    std::vector<Entry> entries_;
};

/// Where load() looks, beside the TOML file.
struct Sources {
    std::span<const std::string> arguments;  ///< Without the program's name.
    Variables environment;
    std::string toml_file;  ///< Read if not empty and no flag names another.
};

/// Merges flag, else environment, else TOML file, else default, and checks everything. Errors name option, value and
/// where it came from: InvalidArgument for argv, Config for environment and file, NoInput for a missing file. If an
/// `early` option was given, only the flags are read, and nothing is checked beyond argv.
Result<Values> load(const Tool& tool, const Sources& sources);

/// The value that `name`, an option of the whole tool, would have, as far as that can be told when load() has failed:
/// from what can be understood of argv, environment and TOML file.
std::optional<Scalar> glimpse(const Tool& tool, const Sources& sources, std::string_view name);

}  // namespace mc::config
