#include "metadata/http_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "metadata/http_replies.h"
#include "metadata/http_watch.h"
#include "metadata/tls_files.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kLargestPage = 1000;
constexpr std::uint64_t kShortReply = 64 << 10;

Result<void> checkKey(std::string_view operation, std::string_view key) {
    if (key.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("{}: the key is empty", operation));
    return {};
}

// Nothing that could end the header's line.
bool fitsHeader(std::string_view version) {
    return !version.empty() && version.size() <= 256 &&
           std::ranges::all_of(version, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
}

}  // namespace

HttpStore::HttpStore(HttpUrl url, const StoreOptions& options)
    : url_(std::move(url)), options_(options), client_(options, url_.shown()) {}

Result<std::unique_ptr<Store>> HttpStore::open(std::string_view url, const StoreOptions& options) {
    auto parsed = HttpUrl::parse(url);
    if (!parsed) return std::unexpected(parsed.error());
    if (auto checked = checkTlsFiles(options); !checked) return std::unexpected(checked.error());
    return std::unique_ptr<Store>(new HttpStore(std::move(*parsed), options));
}

Result<HttpReply> HttpStore::send(std::string_view operation, std::string_view key, const HttpRequest& request,
                                  Deadline deadline) {
    auto reply = client_.send(request, deadline);
    // After a failure another server may be there.
    extended_.store(reply && reply->extended);
    if (!reply) return std::unexpected(wrap(fmt::format("{} {}", operation, key), reply.error()));
    return reply;
}

Result<VersionedValue> HttpStore::get(std::string_view key, Deadline deadline) {
    if (auto checked = checkKey("get", key); !checked) return std::unexpected(checked.error());
    const HttpRequest request{.url = url_.with("key", key), .max_reply = options_.max_value};
    auto reply = send("get", key, request, deadline);
    if (!reply) return std::unexpected(reply.error());
    if (reply->status != 200)
        return std::unexpected(errorOf({.operation = "get", .key = key, .shown_url = url_.shown()}, *reply));
    return VersionedValue{std::move(reply->body), reply->extended ? reply->etag : ""};
}

Result<std::string> HttpStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                   Deadline deadline) {
    const HttpRequest request{.method = HttpRequest::Method::Put, .url = url_.with("key", key), .body = value};
    auto reply = change("put", key, request, precondition, deadline);
    if (!reply) return std::unexpected(reply.error());
    return reply->extended ? reply->etag : "";
}

Result<void> HttpStore::remove(std::string_view key, const Precondition& precondition, Deadline deadline) {
    if (precondition.kind == Precondition::Kind::Absent)
        return fail(ErrorCode::InvalidArgument, fmt::format("remove {}: under the condition that it is absent", key));
    const HttpRequest request{.method = HttpRequest::Method::Delete, .url = url_.with("key", key)};
    auto reply = change("remove", key, request, precondition, deadline);
    if (!reply) return std::unexpected(reply.error());
    return {};
}

// A put or remove. Its reply is of a 200.
Result<HttpReply> HttpStore::change(std::string_view operation, std::string_view key, HttpRequest request,
                                    const Precondition& precondition, Deadline deadline) {
    if (auto checked = checkKey(operation, key); !checked) return std::unexpected(checked.error());
    request.max_reply = kShortReply;
    const bool conditional = precondition.kind != Precondition::Kind::Any;
    if (precondition.kind == Precondition::Kind::Version && !fitsHeader(precondition.version)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} {}: \"{}\" is no version", operation, key, precondition.version));
    }
    if (conditional) {
        if (auto asked = askForExtensions(operation, key, deadline); !asked) return std::unexpected(asked.error());
        request.headers.push_back(precondition.kind == Precondition::Kind::Absent
                                      ? "If-None-Match: *"
                                      : fmt::format("If-Match: \"{}\"", precondition.version));
        // A second sending would meet what the first one has done.
        request.on_new_connection = true;
    }
    auto reply = send(operation, key, request, deadline);
    if (!reply) return reply;
    if (reply->status != 200) {
        return std::unexpected(errorOf({.operation = operation,
                                        .key = key,
                                        .shown_url = url_.shown(),
                                        .absent_wanted = precondition.kind == Precondition::Kind::Absent},
                                       *reply));
    }
    if (conditional && !reply->extended) {
        return fail(ErrorCode::Protocol,
                    fmt::format("{} {}: metadata server {} was replaced by one without preconditions meanwhile",
                                operation, key, url_.shown()),
                    "the change may have been made without its condition");
    }
    return reply;
}

Result<void> HttpStore::askForExtensions(std::string_view operation, std::string_view key, Deadline deadline) {
    if (extended_.load()) return {};
    const HttpRequest request{.method = HttpRequest::Method::Head, .url = url_.with("key", key)};
    auto reply = send(operation, key, request, deadline);
    if (!reply) return std::unexpected(reply.error());
    if (reply->extended) return {};
    return fail(ErrorCode::Unsupported,
                fmt::format("{} {}: metadata server {} knows no preconditions: it is not mc-meta serve", operation, key,
                            url_.shown()));
}

Result<Page> HttpStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                             Deadline deadline) {
    if (limit == 0) return fail(ErrorCode::InvalidArgument, fmt::format("list {}: a limit of 0", prefix));
    if (!continuation.empty() && !continuation.starts_with(prefix)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("list {}: the continuation {} is of another listing", prefix, continuation));
    }
    HttpRequest request{.url = url_.with("prefix", prefix),
                        .max_reply = kShortReply + kMostEscaped * options_.max_value};
    request.url += fmt::format("&limit={}", std::min(limit, kLargestPage));
    if (!continuation.empty()) request.url += "&after=" + percentEncoded(continuation);
    const auto reply = send("list", prefix, request, deadline);
    if (!reply) return std::unexpected(reply.error());
    if (!reply->extended) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("list {}: metadata server {} can't: it is not mc-meta serve", prefix, url_.shown()));
    }
    if (reply->status != 200)
        return std::unexpected(errorOf({.operation = "list", .key = prefix, .shown_url = url_.shown()}, *reply));
    return decodeListing(reply->body, prefix, continuation);
}

Result<std::unique_ptr<Watch>> HttpStore::watch(std::string_view prefix, Deadline deadline) {
    return HttpWatch::open(url_, prefix, options_, deadline);
}

}  // namespace mc::metadata
