#include "metadata/server/request.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace mc::metadata::server {
namespace {

std::unexpected<Refusal> refuse(unsigned status, std::string_view reason) {
    return std::unexpected(Refusal{status, reason});
}

int digitOf(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The version inside an entity tag: digits in quotes.
std::optional<std::string_view> versionIn(std::string_view tag) {
    if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
    tag = tag.substr(1, tag.size() - 2);
    constexpr std::size_t kMaxDigits = 20;
    const bool digits = std::ranges::all_of(tag, [](char c) { return c >= '0' && c <= '9'; });
    return digits && tag.size() <= kMaxDigits ? std::optional(tag) : std::nullopt;
}

std::expected<Precondition, Refusal> preconditionOf(const Conditions& conditions, Request::Verb verb) {
    const auto& [match, none_match] = conditions;
    if (match && none_match) return refuse(400, "If-Match and If-None-Match exclude each other");
    if (none_match) {
        if (verb != Request::Verb::Put) return refuse(400, "If-None-Match goes with PUT only");
        if (*none_match != "*") return refuse(400, "If-None-Match must be *");
        return Precondition::absent();
    }
    if (!match) return Precondition::any();
    const auto version = versionIn(*match);
    if (!version) return refuse(400, "If-Match must be one version in double quotes");
    return Precondition::atVersion(std::string(*version));
}

std::expected<Request, Refusal> ofKey(const Head& head, std::size_t max_key_bytes) {
    const std::string_view key = *head.query.key;
    if (key.empty()) return refuse(400, "the key is empty");
    if (key.size() > max_key_bytes) return refuse(414, "the key is too long");
    if (!isUtf8(key)) return refuse(400, "the key is no UTF-8, or its percent-encoding is broken");
    Request request{.verb = Request::Verb::Get, .key = key};
    if (head.method == Method::Get || head.method == Method::Head) return request;
    request.verb = head.method == Method::Put ? Request::Verb::Put : Request::Verb::Remove;
    auto precondition = preconditionOf(head.conditions, request.verb);
    if (!precondition) return std::unexpected(precondition.error());
    request.precondition = std::move(*precondition);
    return request;
}

std::expected<Request, Refusal> ofPrefix(const Head& head, std::string_view prefix, std::size_t max_key_bytes) {
    const std::string_view after = head.query.after.value_or("");
    if (prefix.size() > max_key_bytes || after.size() > max_key_bytes) return refuse(414, "the key is too long");
    if (!isUtf8(prefix) || !isUtf8(after)) {
        return refuse(400, "the prefix is no UTF-8, or its percent-encoding is broken");
    }
    Request request{.verb = Request::Verb::List, .key = prefix, .after = after};
    if (head.query.watch) {
        if (head.method != Method::Get) return refuse(400, "watch goes with GET only");
        request.verb = Request::Verb::Watch;
        return request;
    }
    if (head.method != Method::Get && head.method != Method::Head) return refuse(400, "PUT and DELETE need a key");
    if (const auto limit = head.query.limit) {
        const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), request.limit);
        const bool number = error == std::errc() && end == limit->data() + limit->size();
        if (!number || request.limit < 1 || request.limit > Request::kMaxLimit) {
            return refuse(400, "limit must be a number from 1 to 1000");
        }
    }
    return request;
}

}  // namespace

void Query::add(std::string_view name, std::string_view value) {
    const std::pair<std::string_view, std::optional<std::string_view>*> known[] = {
        {"key", &key}, {"prefix", &prefix}, {"watch", &watch}, {"limit", &limit}, {"after", &after}};
    for (const auto& [known_name, target] : known) {
        if (name != known_name) continue;
        if (target->has_value()) repeated = true;
        *target = value;
    }
}

std::expected<Request, Refusal> understand(const Head& head, std::size_t max_key_bytes) {
    const Query& query = head.query;
    const int given = int{query.key.has_value()} + int{query.prefix.has_value()} + int{query.watch.has_value()};
    if (given != 1 || query.repeated) return refuse(400, "exactly one of key, prefix and watch is needed");
    if (query.key) return ofKey(head, max_key_bytes);
    return ofPrefix(head, query.prefix ? *query.prefix : *query.watch, max_key_bytes);
}

std::size_t decodePercent(char* text) {
    char* const begin = text;
    char* to = text;
    for (const char* from = text; *from != '\0'; ++from, ++to) {
        *to = *from;
        if (*from != '%') continue;
        const int high = digitOf(from[1]);
        const int low = high < 0 ? -1 : digitOf(from[2]);
        if (low < 0) {
            begin[0] = '\xff';
            begin[1] = '\0';
            return 1;
        }
        *to = static_cast<char>(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return static_cast<std::size_t>(to - begin);
}

}  // namespace mc::metadata::server
