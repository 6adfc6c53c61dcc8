#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::metadata {

/// True if `text` is one JSON value. Takes no memory for its content.
bool isJson(std::string_view text);

/// One line: compact, members in lexicographic order, no newline; what is not UTF-8 becomes U+FFFD.
std::string toLine(const nlohmann::json& value);

/// Reads the members of a JSON object that came from outside. Keeps the first error, which names the member; look at
/// it when all are read.
class JsonMembers {
  public:
    enum class Rule {
        Required,  ///< Must be there, and be right.
        Optional,  ///< Missing or null: the default.
        Lenient,   ///< Missing, null or wrong: the default.
    };

    /// `what` begins every message: "rpc_meta".
    JsonMembers(std::string_view what, std::string_view text);
    ~JsonMembers();
    JsonMembers(const JsonMembers&) = delete;
    JsonMembers& operator=(const JsonMembers&) = delete;

    std::string string(const char* name, Rule rule);
    std::uint64_t number(const char* name, std::uint64_t max, Rule rule);
    /// A port, or another number of 16 bits.
    std::uint16_t number16(const char* name, Rule rule);
    /// Nothing where it is missing or null.
    std::optional<bool> boolean(const char* name);
    /// Empty where it is missing or null.
    std::vector<std::uint32_t> numbers(const char* name);

    const std::optional<Error>& error() const { return error_; }

  private:
    /// Null if the member is missing, null, or wrong and Lenient.
    const nlohmann::json* find(const char* name, Rule rule, const char* expected, bool (*fits)(const nlohmann::json&));
    void complain(std::string_view name, std::string_view problem);

    std::string_view what_;
    std::unique_ptr<nlohmann::json> root_;
    std::optional<Error> error_;
};

}  // namespace mc::metadata
