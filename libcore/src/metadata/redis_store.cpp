#include "metadata/redis_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/errors.h"
#include "metadata/content_version.h"
#include "metadata/redis_errors.h"
#include "metadata/redis_scan.h"
#include "metadata/redis_values.h"
#include "metadata/redis_watch.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kLargestPage = 1000;
constexpr std::size_t kMostListings = 4;             // At the same time, without scanning again for each page.
constexpr std::size_t kLongestString = 512UL << 20;  // That Redis takes, unless told otherwise.

// KEYS: the key. ARGV: the version that it must have, and the value to put. 1 if that was done, 0 if the version is
// another; errors come back as they are.
constexpr std::string_view kPutScript = R"(
local now = redis.pcall('GET', KEYS[1])
if type(now) == 'table' then return now end
if not now or redis.sha1hex(now) ~= ARGV[1] then return 0 end
local done = redis.pcall('SET', KEYS[1], ARGV[2])
if done.err then return done end
return 1)";
constexpr std::string_view kRemoveScript = R"(
local now = redis.pcall('GET', KEYS[1])
if type(now) == 'table' then return now end
if not now or redis.sha1hex(now) ~= ARGV[1] then return 0 end
return redis.pcall('DEL', KEYS[1]))";

std::string nameOf(std::string_view operation, std::string_view key) {
    return key.empty() ? std::string(operation) : fmt::format("{} {}", operation, key);
}

Result<void> checkKey(std::string_view operation, std::string_view key) {
    if (!key.empty()) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: the key is empty", operation));
}

Result<void> checkVersion(std::string_view operation, std::string_view key, std::string_view version) {
    const auto fits = [](char c) { return c > ' ' && c < 0x7f && c != '"'; };
    if (!version.empty() && version.size() <= 256 && std::ranges::all_of(version, fits)) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("{} {}: \"{}\" is no version", operation, key, version));
}

std::unexpected<Error> changed(std::string_view operation, std::string_view key) {
    return fail(ErrorCode::Busy, fmt::format("{} {}: the key has another version, or is gone", operation, key),
                "read it again and retry");
}

RedisServer serverOf(RedisUri uri, const StoreOptions& options) {
    RedisServer server{.uri = std::move(uri),
                       .user = options.username,
                       .password = options.password.empty() ? options.redis_password : options.password,
                       .database = options.redis_db,
                       .connect_timeout = options.connect_timeout,
                       .timeout = options.timeout};
    if (!server.uri.user.empty()) server.user = server.uri.user;
    // Mooncake's programs name the user of the variable only together with a password.
    server.login = !server.user.empty() || !server.password.empty();
    if (server.user.empty() && server.login) server.user = options.redis_username;
    if (server.uri.database) server.database = *server.uri.database;
    server.shown = server.uri.shown();
    return server;
}

}  // namespace

Result<std::unique_ptr<Store>> RedisStore::open(std::string_view uri, const StoreOptions& options) {
    auto parsed = RedisUri::parse(uri);
    if (!parsed) return std::unexpected(parsed.error());
    return std::unique_ptr<Store>(new RedisStore(serverOf(std::move(*parsed), options), options.max_value));
}

Result<VersionedValue> RedisStore::get(std::string_view key, Deadline deadline) {
    if (auto checked = checkKey("get", key); !checked) return std::unexpected(checked.error());
    auto reply = client_.askOne({.commands = {{"GET", key}}, .max_reply = max_value_}, deadline);
    if (!reply) return std::unexpected(wrap(nameOf("get", key), reply.error()));
    if (reply->kind == RedisReply::Kind::Nil) return fail(ErrorCode::NotFound, fmt::format("get {}: no such key", key));
    if (reply->kind != RedisReply::Kind::Text)
        return std::unexpected(wrap(nameOf("get", key), unexpectedReply(client_.server().shown)));
    std::string version = contentVersion(reply->text);
    return VersionedValue{std::move(reply->text), std::move(version)};
}

Result<std::string> RedisStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                    Deadline deadline) {
    if (auto checked = checkKey("put", key); !checked) return std::unexpected(checked.error());
    if (value.size() > kLongestString)
        return fail(ErrorCode::BadData, fmt::format("put {}: longer than {} bytes", key, kLongestString));
    if (precondition.kind == Precondition::Kind::Version) {
        if (auto checked = checkVersion("put", key, precondition.version); !checked)
            return std::unexpected(checked.error());
        const auto done = runScript(kPutScript, {key, precondition.version, value}, deadline);
        if (!done) return std::unexpected(wrap(nameOf("put", key), done.error()));
        if (!*done) return changed("put", key);
        return contentVersion(value);
    }
    RedisQuestion question{.commands = {{"SET", key, value}}, .changes = true};
    const bool absent = precondition.kind == Precondition::Kind::Absent;
    if (absent) question.commands.front().emplace_back("NX");
    const auto reply = client_.askOne(question, deadline);
    if (!reply) return std::unexpected(wrap(nameOf("put", key), reply.error()));
    if (reply->isStatus("OK")) return contentVersion(value);
    if (absent && reply->kind == RedisReply::Kind::Nil)
        return fail(ErrorCode::AlreadyExists, fmt::format("put {}: the key exists", key));
    return std::unexpected(wrap(nameOf("put", key), unexpectedReply(client_.server().shown)));
}

Result<void> RedisStore::remove(std::string_view key, const Precondition& precondition, Deadline deadline) {
    if (auto checked = checkKey("remove", key); !checked) return checked;
    if (precondition.kind == Precondition::Kind::Absent)
        return fail(ErrorCode::InvalidArgument, fmt::format("remove {}: under the condition that it is absent", key));
    if (precondition.kind == Precondition::Kind::Version) {
        if (auto checked = checkVersion("remove", key, precondition.version); !checked) return checked;
        const auto done = runScript(kRemoveScript, {key, precondition.version}, deadline);
        if (!done) return std::unexpected(wrap(nameOf("remove", key), done.error()));
        if (!*done) return changed("remove", key);
        return {};
    }
    const auto reply = client_.askOne({.commands = {{"DEL", key}}, .changes = true}, deadline);
    if (!reply) return std::unexpected(wrap(nameOf("remove", key), reply.error()));
    if (reply->kind != RedisReply::Kind::Integer)
        return std::unexpected(wrap(nameOf("remove", key), unexpectedReply(client_.server().shown)));
    if (reply->integer == 0) return fail(ErrorCode::NotFound, fmt::format("remove {}: no such key", key));
    return {};
}

// False where the version is another one. The server may know the script already.
Result<bool> RedisStore::runScript(std::string_view script, const std::vector<std::string_view>& arguments,
                                   Deadline deadline) {
    const std::string hash = contentVersion(script);
    std::vector<std::string_view> command{"EVALSHA", hash, "1"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    RedisQuestion question{.commands = {std::move(command)}, .changes = true};
    auto replies = client_.ask(question, deadline);
    if (replies && replies->front().isError("NOSCRIPT")) {
        question.commands.front()[0] = "EVAL";
        question.commands.front()[1] = script;
        replies = client_.ask(question, deadline);
    }
    if (!replies) return std::unexpected(replies.error());
    const RedisReply& reply = replies->front();
    if (reply.kind == RedisReply::Kind::Error) return std::unexpected(redisError(client_.server().shown, reply));
    if (reply.kind != RedisReply::Kind::Integer) return std::unexpected(unexpectedReply(client_.server().shown));
    return reply.integer == 1;
}

Result<Page> RedisStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                              Deadline deadline) {
    if (limit == 0) return fail(ErrorCode::InvalidArgument, fmt::format("list {}: a limit of 0", prefix));
    if (!continuation.empty() && !continuation.starts_with(prefix)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("list {}: the continuation {} is of another listing", prefix, continuation));
    }
    const std::size_t most = std::min(limit, kLargestPage);
    Page page;
    page.continuation = continuation;
    // Where all of a page's keys are gone by now, there may be others behind them.
    while (page.items.empty()) {
        auto listing = continueListing(prefix, page.continuation, deadline);
        if (!listing) return std::unexpected(wrap(nameOf("list", prefix), listing.error()));
        const auto& keys = listing->keys.keys();
        if (keys.empty()) {
            page.continuation.clear();
            break;
        }
        std::vector<std::string> wanted;
        for (auto key = keys.begin(); key != keys.end() && wanted.size() < most; ++key)
            wanted.push_back(*key);
        auto values = redisValues(client_, wanted, max_value_, deadline);
        if (!values) return std::unexpected(wrap(nameOf("list", prefix), values.error()));
        for (std::size_t i = 0; i < values->size(); ++i) {
            listing->continuation = listing->keys.take();
            auto& value = (*values)[i];
            if (!value) continue;
            std::string version = contentVersion(*value);
            page.items.push_back({std::move(wanted[i]), std::move(*value), std::move(version)});
        }
        const bool more = !listing->keys.keys().empty() || listing->keys.leftOut();
        page.continuation = more ? listing->continuation : "";
        if (!more) break;
        keepListing(std::move(*listing));
    }
    return page;
}

// A continuation that is used a second time, or after many others, costs a scan.
Result<RedisStore::Listing> RedisStore::continueListing(std::string_view prefix, std::string_view continuation,
                                                        Deadline deadline) {
    if (!continuation.empty()) {
        const std::lock_guard lock(listings_mutex_);
        const auto found = std::ranges::find_if(listings_, [&](const Listing& listing) {
            return listing.prefix == prefix && listing.continuation == continuation;
        });
        if (found != listings_.end()) {
            Listing listing = std::move(*found);
            listings_.erase(found);
            return listing;
        }
    }
    return scan(prefix, continuation, deadline);
}

Result<RedisStore::Listing> RedisStore::scan(std::string_view prefix, std::string_view continuation,
                                             Deadline deadline) {
    Listing listing{.prefix = std::string(prefix), .continuation = std::string(continuation)};
    RedisScan scan(client_, prefix);
    while (!scan.ended()) {
        auto keys = scan.next(deadline);
        if (!keys) return std::unexpected(keys.error());
        for (auto& key : *keys) {
            if (key > continuation) listing.keys.add(std::move(key));
        }
    }
    return listing;
}

void RedisStore::keepListing(Listing listing) {
    if (listing.keys.keys().empty()) return;  // The next page scans anew.
    const std::lock_guard lock(listings_mutex_);
    if (listings_.size() == kMostListings) listings_.erase(listings_.begin());
    listings_.push_back(std::move(listing));
}

Result<std::unique_ptr<Watch>> RedisStore::watch(std::string_view prefix, Deadline deadline) {
    return RedisWatch::open(client_.server(), prefix, max_value_, deadline);
}

}  // namespace mc::metadata
