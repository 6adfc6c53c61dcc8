#include "metadata/etcd_requests.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "metadata/json_members.h"

namespace mc::metadata::etcd {
namespace {

using nlohmann::json;

// As the end of a range: up to the last key; as a key: the first one there can be.
constexpr std::string_view kNul{"\0", 1};

// The first key after all that begin with `prefix`.
std::string endOf(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff)
        end.pop_back();
    if (end.empty()) return std::string(kNul);
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

json rangeOf(std::string_view prefix) {
    return {{"key", base64Encoded(prefix.empty() ? kNul : prefix)}, {"range_end", base64Encoded(endOf(prefix))}};
}

json keyAndValue(std::string_view key, std::string_view value) {
    return {{"key", base64Encoded(key)}, {"value", base64Encoded(value)}};
}

std::string transaction(json comparison, std::string_view key, json operation) {
    comparison["key"] = base64Encoded(key);
    comparison["result"] = "EQUAL";
    return toLine(
        {{"compare", json::array({std::move(comparison)})}, {"success", json::array({std::move(operation)})}});
}

json atRevision(std::string_view version) {
    return {{"target", "MOD"}, {"mod_revision", version}};
}

}  // namespace

std::string getRequest(std::string_view key) {
    return toLine({{"key", base64Encoded(key)}});
}

std::string putRequest(std::string_view key, std::string_view value) {
    return toLine(keyAndValue(key, value));
}

std::string removeRequest(std::string_view key) {
    return toLine({{"key", base64Encoded(key)}});
}

std::string listRequest(const Listing& listing) {
    json request = rangeOf(listing.prefix);
    if (!listing.after.empty()) request["key"] = base64Encoded(std::string(listing.after).append(kNul));
    request["limit"] = std::to_string(listing.limit);
    if (!listing.values) request["keys_only"] = true;
    return toLine(request);
}

std::string putTransaction(std::string_view key, std::string_view value, const Precondition& precondition) {
    json comparison = precondition.kind == Precondition::Kind::Absent
                          ? json{{"target", "CREATE"}, {"create_revision", "0"}}
                          : atRevision(precondition.version);
    return transaction(std::move(comparison), key, {{"request_put", keyAndValue(key, value)}});
}

std::string removeTransaction(std::string_view key, std::string_view version) {
    return transaction(atRevision(version), key, {{"request_delete_range", {{"key", base64Encoded(key)}}}});
}

bool isRevision(std::string_view version) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(version.begin(), version.end(), number);
    return error == std::errc() && end == version.end() && number > 0 && !version.starts_with('0');
}

std::string watchRequest(std::string_view prefix, std::int64_t first) {
    json request = rangeOf(prefix);
    request["start_revision"] = std::to_string(first);
    request["fragment"] = true;  // No line is much longer than the largest request that the server takes.
    return toLine({{"create_request", std::move(request)}});
}

std::string authenticateRequest(std::string_view username, std::string_view password) {
    return toLine({{"name", username}, {"password", password}});
}

}  // namespace mc::metadata::etcd
