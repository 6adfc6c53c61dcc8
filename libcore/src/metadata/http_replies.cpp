#include "metadata/http_replies.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/text.h"
#include "metadata/said.h"

namespace mc::metadata {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 4;  // Deeper than any reply; what is below takes no memory.

std::unexpected<Error> broken(std::string_view what, std::string_view problem) {
    return fail(ErrorCode::Protocol, fmt::format("{}: {}", what, problem), "is the metadata server's URL right?");
}

json parse(std::string_view text) {
    if (text.contains('\0')) return json::value_t::discarded;  // The parser takes it for the end.
    return json::parse(text, [](int depth, json::parse_event_t, json&) { return depth <= kMaxDepth; }, false);
}

const std::string* stringOf(const json& object, const char* name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get_ptr<const std::string*>() : nullptr;
}

// A key, with value and version where `full`.
std::optional<Item> itemOf(const json& object, bool full) {
    if (!object.is_object()) return std::nullopt;
    const auto* const key = stringOf(object, "key");
    if (key == nullptr || key->empty()) return std::nullopt;
    if (!full) return Item{*key, {}, {}};
    const auto* const value = stringOf(object, "value");
    const auto* const version = stringOf(object, "version");
    if (value == nullptr || version == nullptr) return std::nullopt;
    return Item{*key, *value, *version};
}

}  // namespace

Error errorOf(const HttpQuestion& question, const HttpReply& reply) {
    const auto make = [&](ErrorCode code, std::string_view problem, std::string hint = {}) {
        return Error{code, fmt::format("{} {}: {}{}", question.operation, question.key, problem, said(reply.body)),
                     std::move(hint)};
    };
    const std::string server = fmt::format("metadata server {}: it answers {}", question.shown_url, reply.status);
    const bool put = question.operation == "put";
    switch (reply.status) {
        case 400:
            // Mooncake's Python server and the one of its master: who crashed can't come back under its name.
            if (put && !reply.extended && question.key.contains("rpc_meta")) {
                return make(
                    ErrorCode::AlreadyExists, "the server does not let it be replaced",
                    fmt::format("another engine has this name, or one has crashed: mc-meta remove {}", question.key));
            }
            return make(ErrorCode::InvalidArgument, server);
        case 401:
        case 403:
        case 407:
            return make(ErrorCode::NotPermitted, server);
        case 404:
            if (put) return make(ErrorCode::Unavailable, server, "is its path right? it is normally /metadata");
            if (reply.body.contains("metadata not found")) {
                return Error{
                    ErrorCode::NotFound, fmt::format("{} {}: no such key", question.operation, question.key), {}};
            }
            return make(ErrorCode::NotFound, server, "if the key should be there: is the URL's path /metadata?");
        case 405:
        case 501:
            return make(ErrorCode::Unsupported, server);
        case 412:
            if (question.absent_wanted)
                return Error{ErrorCode::AlreadyExists, fmt::format("put {}: the key exists", question.key), {}};
            return Error{
                ErrorCode::Busy,
                fmt::format("{} {}: the key has another version, or is gone", question.operation, question.key),
                "read it again and retry"};
        case 413:
        case 414:
            return make(ErrorCode::InvalidArgument, server, "the server's limits are options of mc-meta serve");
        case 408:
            return make(ErrorCode::TimedOut, server);
        case 500:
            return make(ErrorCode::Io, server);
        case 507:
            return make(ErrorCode::Full, server);
        default:
            break;
    }
    if (reply.status >= 300 && reply.status < 400) {
        return make(ErrorCode::Unavailable, server,
                    reply.location.empty()
                        ? "redirections are not followed"
                        : fmt::format("redirections are not followed: give the server's own URL, perhaps {}",
                                      withoutCredentials(shown(reply.location))));
    }
    if (reply.status >= 400 && reply.status < 500 && reply.status != 429)
        return make(ErrorCode::InvalidArgument, server);
    return make(reply.status >= 400 ? ErrorCode::Unavailable : ErrorCode::Protocol, server);
}

Result<Page> decodeListing(std::string_view text, std::string_view prefix, std::string_view after) {
    const std::string what = fmt::format("list {}", prefix);
    json document = parse(text);
    if (!document.is_object()) return broken(what, "the reply is no JSON object");
    const auto items = document.find("items");
    const auto* const continuation = stringOf(document, "continuation");
    if (items == document.end() || !items->is_array() || continuation == nullptr)
        return broken(what, "the reply has no \"items\" or no \"continuation\"");
    Page page;
    page.items.reserve(items->size());
    std::string_view last = after;
    for (const json& element : *items) {
        auto item = itemOf(element, true);
        if (!item) return broken(what, fmt::format("items[{}] is no key with value and version", page.items.size()));
        if (!item->key.starts_with(prefix) || (!last.empty() && item->key <= last))
            return broken(what, fmt::format("items[{}] is out of order", page.items.size()));
        page.items.push_back(std::move(*item));
        last = page.items.back().key;
    }
    page.continuation = *continuation;
    // Or the listing might never end.
    if (!page.continuation.empty() && (page.continuation < last || page.continuation == after))
        return broken(what, "the continuation goes back");
    return page;
}

Result<Event> decodeChange(std::string_view line, std::string_view prefix) {
    const std::string what = fmt::format("watch {}", prefix);
    const json document = parse(line);
    if (!document.is_object()) return broken(what, "a line is no JSON object");
    if (const auto* const error = stringOf(document, "error")) {
        return fail(ErrorCode::Io, fmt::format("{}: the server has given up{}", what, said(*error)),
                    "list the keys and watch again");
    }
    const auto* const type = stringOf(document, "type");
    const bool put = type != nullptr && *type == "put";
    if (!put && (type == nullptr || *type != "remove")) return broken(what, "a line is neither put nor remove");
    auto item = itemOf(document, put);
    if (!item || !item->key.starts_with(prefix)) return broken(what, "a line has no key below the prefix, or no value");
    return Event{put ? Event::Kind::Put : Event::Kind::Remove, std::move(*item)};
}

Result<void> checkWatching(std::string_view line, std::string_view prefix) {
    const json document = parse(line);
    const auto* const watching = document.is_object() ? stringOf(document, "watching") : nullptr;
    if (watching == nullptr || *watching != prefix)
        return broken(fmt::format("watch {}", prefix), "the reply does not begin as a watch does");
    return {};
}

}  // namespace mc::metadata
