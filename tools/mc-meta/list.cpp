#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "common/table.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "metadata/pages.h"

namespace mc::meta {
namespace {

constexpr std::size_t kPage = 1000;

enum class Format { Table, Keys, Json };

/// Prints keys as they come, so that a page of them is all that is in memory.
class Printer {
  public:
    Printer(Format format, bool with_values)
        : format_(format), with_values_(with_values), table_(columns(with_values)) {}

    Result<void> print(const metadata::Page& page, std::size_t count) {
        std::string text = begin();
        for (std::size_t i = 0; i < count; ++i)
            text += textOf(page.items[i]);
        if (format_ == Format::Table) text += table_.take();
        return tools::writeData(text);
    }

    /// A document of JSON is whole also where the list is not.
    Result<void> finish(bool complete, const Error* error) {
        if (format_ != Format::Json) return {};
        const Json end{{"complete", complete}};
        std::string text = begin() + "]," + end.text().substr(1);
        if (error != nullptr) {
            const Json failure{
                {"error", {{"code", toString(error->code)}, {"message", error->message}, {"hint", error->hint}}}};
            text.back() = ',';
            text += failure.text().substr(1);
        }
        return tools::writeData(text + "\n");
    }

    bool hasBegun() const { return begun_; }

  private:
    static std::vector<tools::Table::Column> columns(bool with_values) {
        using enum tools::Table::Align;
        return {{"KEY", Left}, {"VERSION", Right}, {with_values ? "VALUE" : "BYTES", with_values ? Left : Right}};
    }

    std::string begin() {
        const bool first = !std::exchange(begun_, true);
        return first && format_ == Format::Json ? R"({"schema_version":1,"items":[)" : "";
    }

    std::string textOf(const metadata::Item& item) {
        if (format_ == Format::Keys) return printable(item.key) + "\n";
        if (format_ == Format::Table) {
            table_.addRow({printable(item.key), item.version,
                           with_values_ ? printable(item.value) : std::to_string(item.value.size())});
            return {};
        }
        Json entry{{"key", item.key}, {"version", item.version}};
        if (with_values_) {
            entry["value"] = item.value;
        } else {
            entry["length_bytes"] = item.value.size();
        }
        return (std::exchange(any_, true) ? "," : "") + entry.text();
    }

    const Format format_;
    const bool with_values_;
    tools::Table table_;
    bool begun_ = false;
    bool any_ = false;
};

Format formatOf(const config::Values& values) {
    if (values.flag("json")) return Format::Json;
    return values.flag("keys-only") ? Format::Keys : Format::Table;
}

/// Whether that were all of them.
Result<bool> listAll(const config::Values& values, metadata::Store& store, Printer& printer,
                     const std::stop_token& stop) {
    const std::string prefix = values.text("prefix");
    const auto limit = static_cast<std::size_t>(values.integer("limit"));
    std::size_t listed = 0;
    bool complete = false;
    const auto take = [&](const metadata::Page& page) -> Result<bool> {
        const std::size_t count = limit == 0 ? page.items.size() : std::min(limit - listed, page.items.size());
        if (auto printed = printer.print(page, count); !printed) return std::unexpected(printed.error());
        listed += count;
        complete = count == page.items.size() && page.continuation.empty();
        return limit == 0 || listed < limit;
    };
    const metadata::Listing wanted{.prefix = prefix,
                                   .page = limit == 0 ? kPage : std::min(kPage, limit),
                                   .deadline = commandDeadline(values),
                                   .stop = stop};
    if (auto done = metadata::forEachPage(store, wanted, take); !done) return std::unexpected(done.error());
    return complete;
}

}  // namespace

Result<ExitCode> runList(const config::Values& values, tools::StopSignals& stop) {
    const bool with_values = values.flag("values");
    if (values.flag("keys-only") && (with_values || values.flag("json")))
        return std::unexpected(values.error("keys-only", "can't be combined with --values or --json"));
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    Printer printer(formatOf(values), with_values);
    const auto complete = listAll(values, **store, printer, stop.token());
    if (!complete && (!printer.hasBegun() || !values.flag("json"))) return std::unexpected(complete.error());
    const Error* const error = complete ? nullptr : &complete.error();
    if (auto printed = printer.finish(complete.value_or(false), error); !printed)
        return std::unexpected(printed.error());
    if (error != nullptr) {
        fmt::print(stderr, "mc-meta: {}\n", error->message);
        return exitCode(error->code);
    }
    if (stop.received() != 0) return stop.exitCode();
    if (!*complete && !values.flag("quiet")) fmt::print(stderr, "there are more; --limit=0 lists all\n");
    return ExitCode::Ok;
}

}  // namespace mc::meta
