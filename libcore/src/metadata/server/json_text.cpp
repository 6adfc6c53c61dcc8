#include "metadata/server/json_text.h"

#include "base/json.h"

namespace mc::metadata::server {
namespace {

Json valueOf(const Item& item) {
    return {{"key", item.key}, {"value", item.value}, {"version", item.version}};
}

}  // namespace

std::string pageDocument(const Page& page) {
    Json items = Json::array();
    for (const auto& item : page.items)
        items.add(valueOf(item));
    return Json{{"schema_version", 1}, {"items", std::move(items)}, {"continuation", page.continuation}}.text();
}

std::string watchingLine(std::string_view prefix, std::string_view revision) {
    return Json{{"watching", prefix}, {"version", revision}}.line();
}

std::string eventLine(const Event& event) {
    Json line{{"type", event.kind == Event::Kind::Put ? "put" : "remove"}};
    if (event.kind == Event::Kind::Put) {
        line.update(valueOf(event.item));
    } else {
        line["key"] = event.item.key;
    }
    return line.line();
}

std::string healthDocument(const Result<void>& health) {
    if (health) return Json{{"status", "ok"}}.text();
    return Json{{"status", "failing"}, {"message", health.error().message}}.text();
}

}  // namespace mc::metadata::server
