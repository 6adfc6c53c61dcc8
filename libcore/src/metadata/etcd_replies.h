#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "metadata/store.h"

/// The replies of etcd's JSON gateway. All that is no such reply is an error: Protocol.
namespace mc::metadata::etcd {

/// Nothing if the key is absent.
Result<std::optional<VersionedValue>> decodeGet(std::string_view text, std::string_view key);

struct Range {
    Page page;
    std::int64_t revision = 0;  ///< The store's, when it was read.
};
/// A page of a listing of `prefix` after the key `after`.
Result<Range> decodeRange(std::string_view text, std::string_view prefix, std::string_view after);

/// What a put, a removal or a transaction has done.
struct Change {
    std::string revision;    ///< The store's after it, which is the version of what was put.
    bool succeeded = false;  ///< Of a transaction: its precondition held.
    bool deleted = false;    ///< Of a removal: there was something.
};
/// `what` begins a message: "put k".
Result<Change> decodeChange(std::string_view text, std::string_view what);

Result<std::string> decodeToken(std::string_view text);

/// The first line of a watch.
Result<void> checkCreated(std::string_view line, std::string_view prefix);
/// A later line of a watch of `prefix`, which may be of no change. Io if changes were lost, or another error if it is
/// the watch's end.
Result<std::vector<Event>> decodeEvents(std::string_view line, std::string_view prefix);

}  // namespace mc::metadata::etcd
