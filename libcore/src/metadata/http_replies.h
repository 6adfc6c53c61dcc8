#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "metadata/http_message.h"
#include "metadata/store.h"

namespace mc::metadata {

/// A control character takes six bytes in JSON.
inline constexpr std::uint64_t kMostEscaped = 6;

/// What was asked for by a request, for its error.
struct HttpQuestion {
    std::string_view operation;  ///< "put".
    std::string_view key;
    std::string_view shown_url;
    bool absent_wanted = false;  ///< Put only if the key is absent.
};

/// What a status other than 200 means.
Error errorOf(const HttpQuestion& question, const HttpReply& reply);

/// A page of a listing of `prefix` after the key `after`. Protocol if it is anything else, out of order or without end.
Result<Page> decodeListing(std::string_view json, std::string_view prefix, std::string_view after);

/// A line of a watch of `prefix`. Io if it says that changes were lost; Protocol if it is anything else than a change.
Result<Event> decodeChange(std::string_view line, std::string_view prefix);

/// The first line of a watch of `prefix`.
Result<void> checkWatching(std::string_view line, std::string_view prefix);

}  // namespace mc::metadata
