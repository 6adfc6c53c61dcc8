#include "metadata/etcd_replies.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/errors.h"
#include "metadata/etcd_refusal.h"
#include "metadata/said.h"

namespace mc::metadata::etcd {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 8;  // Deeper than any reply; what is below takes no memory.

std::unexpected<Error> broken(std::string_view what, std::string_view problem) {
    return fail(ErrorCode::Protocol, fmt::format("{}: {}", what, problem), "is it etcd that answers there?");
}

json parse(std::string_view text) {
    if (text.contains('\0')) return json::value_t::discarded;  // The parser takes it for the end.
    return json::parse(text, [](int depth, json::parse_event_t, json&) { return depth <= kMaxDepth; }, false);
}

// What is zero, false or empty is left out by the gateway.
const json& memberOf(const json& object, const char* name) {
    static const json kMissing;
    const auto member = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && member != object.end() ? *member : kMissing;
}

bool isTrue(const json& object, const char* name) {
    const json& member = memberOf(object, name);
    return member.is_boolean() && member.get<bool>();
}

// Above 0; 64-bit integers are strings.
std::optional<std::int64_t> numberOf(const json& object, const char* name) {
    const json& member = memberOf(object, name);
    if (!member.is_string()) return std::nullopt;
    const auto& text = member.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number <= 0) return std::nullopt;
    return number;
}

std::optional<std::string> bytesOf(const json& object, const char* name) {
    const json& member = memberOf(object, name);
    if (member.is_null()) return "";
    if (!member.is_string()) return std::nullopt;
    return base64Decoded(member.get_ref<const std::string&>());
}

std::optional<Item> itemOf(const json& object) {
    auto key = bytesOf(object, "key");
    auto value = bytesOf(object, "value");
    const auto revision = numberOf(object, "mod_revision");
    if (!key || key->empty() || !value || !revision) return std::nullopt;
    return Item{std::move(*key), std::move(*value), std::to_string(*revision)};
}

// A reply's document: an object with a header that tells the store's revision.
Result<json> documentOf(std::string_view text, std::string_view what) {
    json document = parse(text);
    if (!document.is_object()) return broken(what, fmt::format("the reply is no JSON object{}", said(text)));
    if (!numberOf(memberOf(document, "header"), "revision")) return broken(what, "the reply has no revision");
    return document;
}

const json& arrayOf(const json& document, const char* name) {
    static const json kEmpty = json::array();
    const json& member = memberOf(document, name);
    return member.is_null() ? kEmpty : member;
}

// The result in a line of a watch.
Result<json> resultOf(std::string_view line, const std::string& what) {
    json document = parse(line);
    if (const json& error = memberOf(document, "error"); !error.is_null()) {
        const json& message = memberOf(error, "message");
        const std::string text = message.is_string() ? message.get<std::string>() : "it ends with an error";
        return std::unexpected(wrap(what, errorOf(text)));
    }
    json& result = document.is_object() ? document["result"] : document;
    if (!result.is_object()) return broken(what, fmt::format("a line has no result{}", said(line)));
    if (isTrue(result, "canceled")) {
        if (numberOf(result, "compact_revision")) {
            return fail(ErrorCode::Io, fmt::format("{}: changes were compacted away before they were read", what),
                        "list the keys and watch again");
        }
        const json& reason = memberOf(result, "cancel_reason");
        return std::unexpected(
            wrap(what, errorOf(reason.is_string() ? reason.get<std::string>() : "the server has cancelled it")));
    }
    return std::move(result);
}

std::optional<Event> eventOf(const json& object) {
    const json& type = memberOf(object, "type");
    const json& kv = memberOf(object, "kv");
    if (type.is_null() || type == "PUT") {
        auto item = itemOf(kv);
        if (!item) return std::nullopt;
        return Event{Event::Kind::Put, std::move(*item)};
    }
    auto key = bytesOf(kv, "key");
    if (type != "DELETE" || !key || key->empty()) return std::nullopt;
    return Event{Event::Kind::Remove, {std::move(*key), {}, {}}};
}

}  // namespace

Result<std::optional<VersionedValue>> decodeGet(std::string_view text, std::string_view key) {
    const std::string what = fmt::format("get {}", key);
    const auto document = documentOf(text, what);
    if (!document) return std::unexpected(document.error());
    const json& kvs = arrayOf(*document, "kvs");
    if (!kvs.is_array() || kvs.size() > 1) return broken(what, "the reply is not of one key");
    if (kvs.empty()) return std::nullopt;
    auto item = itemOf(kvs.front());
    if (!item || item->key != key) return broken(what, "the reply is not of this key");
    return VersionedValue{std::move(item->value), std::move(item->version)};
}

Result<Range> decodeRange(std::string_view text, std::string_view prefix, std::string_view after) {
    const std::string what = fmt::format("list {}", prefix);
    const auto document = documentOf(text, what);
    if (!document) return std::unexpected(document.error());
    const json& kvs = arrayOf(*document, "kvs");
    if (!kvs.is_array()) return broken(what, "the reply has no keys");
    Range range{.page = {}, .revision = *numberOf(memberOf(*document, "header"), "revision")};
    range.page.items.reserve(kvs.size());
    std::string_view last = after;
    for (const json& element : kvs) {
        auto item = itemOf(element);
        if (!item)
            return broken(what, fmt::format("kvs[{}] is no key with value and revision", range.page.items.size()));
        if (!item->key.starts_with(prefix) || (!last.empty() && item->key <= last))
            return broken(what, fmt::format("kvs[{}] is out of order", range.page.items.size()));
        range.page.items.push_back(std::move(*item));
        last = range.page.items.back().key;
    }
    if (!isTrue(*document, "more")) return range;
    if (range.page.items.empty()) return broken(what, "the reply has no key, but there are more");
    range.page.continuation = range.page.items.back().key;
    return range;
}

Result<Change> decodeChange(std::string_view text, std::string_view what) {
    const auto document = documentOf(text, what);
    if (!document) return std::unexpected(document.error());
    return Change{.revision = std::to_string(*numberOf(memberOf(*document, "header"), "revision")),
                  .succeeded = isTrue(*document, "succeeded"),
                  .deleted = numberOf(*document, "deleted").has_value()};
}

Result<std::string> decodeToken(std::string_view text) {
    const json document = parse(text);
    const json& token = memberOf(document, "token");
    if (!token.is_string() || token.get_ref<const std::string&>().empty() ||
        !std::ranges::all_of(token.get_ref<const std::string&>(), [](char c) { return c > ' ' && c < 0x7f; })) {
        return broken("authenticate", "the reply has no token that fits into a header");
    }
    return token.get<std::string>();
}

Result<void> checkCreated(std::string_view line, std::string_view prefix) {
    const std::string what = fmt::format("watch {}", prefix);
    const auto result = resultOf(line, what);
    if (!result) return std::unexpected(result.error());
    if (!isTrue(*result, "created")) return broken(what, "the reply does not begin as a watch does");
    return {};
}

Result<std::vector<Event>> decodeEvents(std::string_view line, std::string_view prefix) {
    const std::string what = fmt::format("watch {}", prefix);
    const auto result = resultOf(line, what);
    if (!result) return std::unexpected(result.error());
    const json& events = arrayOf(*result, "events");
    if (!events.is_array()) return broken(what, "a line has no events");
    std::vector<Event> changes;
    changes.reserve(events.size());
    for (const json& element : events) {
        auto event = eventOf(element);
        if (!event || !event->item.key.starts_with(prefix))
            return broken(what, fmt::format("events[{}] is no change below the prefix", changes.size()));
        changes.push_back(std::move(*event));
    }
    return changes;
}

}  // namespace mc::metadata::etcd
