#include "metadata/etcd_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "metadata/etcd_endpoints.h"
#include "metadata/etcd_watch.h"
#include "metadata/tls_files.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kLargestPage = 1000;
constexpr std::uint64_t kShortReply = 64 << 10;

Result<void> check(std::string_view operation, std::string_view key, const Precondition& precondition) {
    if (key.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("{}: the key is empty", operation));
    if (precondition.kind == Precondition::Kind::Version && !etcd::isRevision(precondition.version)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} {}: \"{}\" is no version", operation, key, precondition.version));
    }
    return {};
}

std::unexpected<Error> busy(std::string_view what) {
    return fail(ErrorCode::Busy, fmt::format("{}: the key has another version, or is gone", what),
                "read it again and retry");
}

}  // namespace

EtcdStore::EtcdStore(std::vector<std::string> urls, const StoreOptions& options)
    : options_(options), client_(std::move(urls), options) {}

Result<std::unique_ptr<Store>> EtcdStore::open(std::string_view uri, const StoreOptions& options) {
    auto urls = parseEndpoints(uri, asksForTls(options));
    if (!urls) return std::unexpected(urls.error());
    if (auto checked = checkTlsFiles(options); !checked) return std::unexpected(checked.error());
    return std::unique_ptr<Store>(new EtcdStore(std::move(*urls), options));
}

Result<VersionedValue> EtcdStore::get(std::string_view key, Deadline deadline) {
    if (auto checked = check("get", key, {}); !checked) return std::unexpected(checked.error());
    const std::string what = fmt::format("get {}", key);
    const auto reply = client_.call({.path = "/v3/kv/range",
                                     .body = etcd::getRequest(key),
                                     .repeatable = true,
                                     .max_reply = kShortReply + options_.max_value / 3 * 4},
                                    deadline);
    if (!reply) return std::unexpected(wrap(what, reply.error()));
    auto found = etcd::decodeGet(*reply, key);
    if (!found) return std::unexpected(found.error());
    if (!*found) return fail(ErrorCode::NotFound, fmt::format("{}: no such key", what));
    if ((*found)->value.size() > options_.max_value) {
        return fail(ErrorCode::BadData, fmt::format("{}: the value is longer than {} bytes", what, options_.max_value),
                    "the longest value to accept is an option (metadata_max_value)");
    }
    return std::move(**found);
}

Result<std::string> EtcdStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                   Deadline deadline) {
    if (auto checked = check("put", key, precondition); !checked) return std::unexpected(checked.error());
    const std::string what = fmt::format("put {}", key);
    if (precondition.kind == Precondition::Kind::Any) {
        auto done = change("/v3/kv/put", etcd::putRequest(key, value), what, deadline);
        if (!done) return std::unexpected(done.error());
        return std::move(done->revision);
    }
    auto done = change("/v3/kv/txn", etcd::putTransaction(key, value, precondition), what, deadline);
    if (!done) return std::unexpected(done.error());
    if (done->succeeded) return std::move(done->revision);
    if (precondition.kind == Precondition::Kind::Version) return busy(what);
    return fail(ErrorCode::AlreadyExists, fmt::format("{}: the key exists", what));
}

Result<void> EtcdStore::remove(std::string_view key, const Precondition& precondition, Deadline deadline) {
    if (auto checked = check("remove", key, precondition); !checked) return std::unexpected(checked.error());
    const std::string what = fmt::format("remove {}", key);
    if (precondition.kind == Precondition::Kind::Absent)
        return fail(ErrorCode::InvalidArgument, fmt::format("{}: under the condition that it is absent", what));
    if (precondition.kind == Precondition::Kind::Any) {
        const auto done = change("/v3/kv/deleterange", etcd::removeRequest(key), what, deadline);
        if (!done) return std::unexpected(done.error());
        if (!done->deleted) return fail(ErrorCode::NotFound, fmt::format("{}: no such key", what));
        return {};
    }
    const auto done = change("/v3/kv/txn", etcd::removeTransaction(key, precondition.version), what, deadline);
    if (!done) return std::unexpected(done.error());
    if (!done->succeeded) return busy(what);
    return {};
}

Result<etcd::Change> EtcdStore::change(std::string_view path, std::string body, std::string_view what,
                                       Deadline deadline) {
    const auto reply = client_.call({.path = path, .body = std::move(body), .max_reply = kShortReply}, deadline);
    if (!reply) return std::unexpected(wrap(what, reply.error()));
    return etcd::decodeChange(*reply, what);
}

Result<Page> EtcdStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                             Deadline deadline) {
    if (limit == 0) return fail(ErrorCode::InvalidArgument, fmt::format("list {}: a limit of 0", prefix));
    if (!continuation.empty() && !continuation.starts_with(prefix)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("list {}: the continuation {} is of another listing", prefix, continuation));
    }
    etcd::Listing listing{.prefix = prefix, .after = continuation, .limit = std::min(limit, kLargestPage)};
    for (;; listing.limit = (listing.limit + 1) / 2) {
        auto range = this->range(listing, deadline);
        if (range) return std::move(range->page);
        // Values too long for a page of that many.
        if (range.error().code != ErrorCode::BadData || listing.limit == 1) return std::unexpected(range.error());
    }
}

Result<etcd::Range> EtcdStore::range(const etcd::Listing& listing, Deadline deadline) {
    const auto reply = client_.call({.path = "/v3/kv/range",
                                     .body = etcd::listRequest(listing),
                                     .repeatable = true,
                                     .max_reply = kShortReply + 2 * options_.max_value},
                                    deadline);
    if (!reply) return std::unexpected(wrap(fmt::format("list {}", listing.prefix), reply.error()));
    return etcd::decodeRange(*reply, listing.prefix, listing.after);
}

Result<std::unique_ptr<Watch>> EtcdStore::watch(std::string_view prefix, Deadline deadline) {
    // The revision of the cluster as a whole: the member that is watched may not have come so far yet.
    const auto now = range({.prefix = prefix, .after = {}, .limit = 1, .values = false}, deadline);
    if (!now) {
        // Not "list": that is not what was asked for.
        Error error = now.error();
        const std::string list = fmt::format("list {}", prefix);
        if (error.message.starts_with(list)) error.message.replace(0, list.size(), fmt::format("watch {}", prefix));
        return std::unexpected(std::move(error));
    }
    return etcd::EtcdWatch::open(client_, {.prefix = prefix, .first = now->revision + 1}, options_, deadline);
}

}  // namespace mc::metadata
