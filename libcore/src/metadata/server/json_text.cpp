#include "metadata/server/json_text.h"

#include <nlohmann/json.hpp>

namespace mc::metadata::server {
namespace {

using Json = nlohmann::ordered_json;

// A store may hold what is no UTF-8 and came another way.
std::string dump(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json valueOf(const Item& item) {
    return {{"key", item.key}, {"value", item.value}, {"version", item.version}};
}

}  // namespace

std::string pageDocument(const Page& page) {
    Json items = Json::array();
    for (const auto& item : page.items)
        items.push_back(valueOf(item));
    return dump({{"schema_version", 1}, {"items", std::move(items)}, {"continuation", page.continuation}});
}

std::string watchingLine(std::string_view prefix, std::string_view revision) {
    return dump({{"watching", prefix}, {"version", revision}}) + "\n";
}

std::string eventLine(const Event& event) {
    Json line{{"type", event.kind == Event::Kind::Put ? "put" : "remove"}};
    if (event.kind == Event::Kind::Put) {
        line.update(valueOf(event.item));
    } else {
        line["key"] = event.item.key;
    }
    return dump(line) + "\n";
}

std::string healthDocument(const Result<void>& health) {
    if (health) return dump({{"status", "ok"}});
    return dump({{"status", "failing"}, {"message", health.error().message}});
}

}  // namespace mc::metadata::server
