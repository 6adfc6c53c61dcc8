#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "common/output.h"
#include "common/table.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "metadata/pages.h"

namespace mc::meta {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPage = 1000;

struct Listing {
    std::vector<metadata::Item> items;
    bool complete = true;
};

// Values are only kept where they are to be shown.
Result<Listing> listAll(const config::Values& values, metadata::Store& store, const tools::StopSignals& stop) {
    const std::string prefix = values.text("prefix");
    const auto token = stop.token();
    const auto limit = static_cast<std::size_t>(values.integer("limit"));
    const bool lengths_only = !values.flag("values");
    Listing listing;
    const auto take = [&](metadata::Page& page) -> Result<bool> {
        for (auto& item : page.items) {
            listing.complete = limit == 0 || listing.items.size() < limit;
            if (!listing.complete) return false;
            if (lengths_only) item.value = std::to_string(item.value.size());
            listing.items.push_back(std::move(item));
        }
        listing.complete = limit == 0 || listing.items.size() < limit || page.continuation.empty();
        return listing.complete;
    };
    const metadata::Listing wanted{.prefix = prefix,
                                   .page = limit == 0 ? kPage : std::min(kPage, limit),
                                   .deadline = commandDeadline(values),
                                   .stop = token};
    if (auto listed = metadata::forEachPage(store, wanted, take); !listed) return std::unexpected(listed.error());
    return listing;
}

std::string document(const Listing& listing, bool with_values) {
    Json items = Json::array();
    for (const auto& item : listing.items) {
        Json entry{{"key", item.key}, {"version", item.version}};
        if (with_values) {
            entry["value"] = item.value;
        } else {
            entry["length_bytes"] = std::stoull(item.value);
        }
        items.push_back(std::move(entry));
    }
    const Json whole{{"schema_version", 1}, {"items", std::move(items)}, {"complete", listing.complete}};
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string keys(const Listing& listing) {
    std::string text;
    for (const auto& item : listing.items)
        text += printable(item.key) + "\n";
    return text;
}

std::string table(const Listing& listing, bool with_values) {
    using enum tools::Table::Align;
    tools::Table rows(
        {{"KEY", Left}, {"VERSION", Right}, {with_values ? "VALUE" : "BYTES", with_values ? Left : Right}});
    for (const auto& item : listing.items)
        rows.addRow({printable(item.key), item.version, printable(item.value)});
    return rows.toString();
}

}  // namespace

Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop) {
    const bool with_values = values.flag("values");
    if (values.flag("keys-only") && (with_values || values.flag("json")))
        return std::unexpected(values.error("keys-only", "can't be combined with --values or --json"));
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto listing = listAll(values, **store, stop);
    if (!listing) return std::unexpected(listing.error());
    if (stop.received() != 0) return stop.exitCode();
    const std::string text = values.flag("json")        ? document(*listing, with_values)
                             : values.flag("keys-only") ? keys(*listing)
                                                        : table(*listing, with_values);
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    if (!listing->complete && !values.flag("quiet")) fmt::print(stderr, "there are more; --limit=0 lists all\n");
    return ExitCode::Ok;
}

}  // namespace mc::meta
