#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "metadata/store.h"

/// The embedded HTTP server of metadata: the protocol that Mooncake's engines speak, with extensions.
namespace mc::metadata::server {

enum class Method { Get, Head, Put, Delete, Other };

/// The parameters of a URL, decoded. The texts belong to whoever received the request.
struct Query {
    std::optional<std::string_view> key, prefix, watch, limit, after;
    bool repeated = false;  ///< One of them came twice.

    /// Takes a parameter; one that means nothing here is ignored, as the stock servers do.
    void add(std::string_view name, std::string_view value);
};

/// The headers that make a request depend on what is there.
struct Conditions {
    std::optional<std::string_view> if_match, if_none_match;
};

/// All of a request but its body.
struct Head {
    Method method = Method::Other;
    std::string_view path;
    Query query;
    Conditions conditions;
};

/// What is asked of the store.
struct Request {
    static constexpr std::size_t kDefaultLimit = 100;
    static constexpr std::size_t kMaxLimit = 1000;

    enum class Verb { Get, Put, Remove, List, Watch };
    Verb verb = Verb::Get;
    std::string_view key;  ///< Of List and Watch: the prefix.
    Precondition precondition;
    std::size_t limit = kDefaultLimit;
    std::string_view after;
};

/// Why a request is not served: the status and one line of text.
struct Refusal {
    unsigned status = 400;
    std::string_view reason;
};

/// What a request for /metadata asks, if it keeps to the protocol: exactly one of key, prefix and watch, UTF-8, within
/// the limits, a method and conditions that go with it.
std::expected<Request, Refusal> understand(const Head& head, std::size_t max_key_bytes);

/// Decodes percent-encoding in place and returns the new length. Where a '%' has no two hexadecimal digits behind it,
/// the result is one byte that no UTF-8 text has, so that what it was meant for is refused.
std::size_t decodePercent(char* text);

}  // namespace mc::metadata::server
