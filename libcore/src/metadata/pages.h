#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string_view>

#include "mc/error.h"

#include "metadata/store.h"

namespace mc::metadata {

/// What a listing takes, and when it ends.
struct Listing {
    std::string_view prefix;
    std::size_t page = 1000;  ///< Most items that are asked for at a time.
    Deadline deadline;
    const std::stop_token& stop;
};

/// Hands all items below the prefix to `take`, a page at a time, in the order of keys, until it returns false. TimedOut
/// if the deadline comes first; where it is stopped, pages are missing.
Result<void> forEachPage(Store& store, const Listing& listing, const std::function<Result<bool>(Page&)>& take);

}  // namespace mc::metadata
