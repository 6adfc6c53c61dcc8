#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/table.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "metadata/inventory.h"
#include "metadata/owner_probe.h"
#include "segment/timestamp.h"

namespace mc::meta {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

/// A segment, and what its owner said to us.
struct Row {
    metadata::SegmentSummary segment;
    std::optional<bool> alive;  ///< Nothing where nobody was asked, or nobody can tell.
    std::string detail;
};

void probe(Row& row, milliseconds timeout) {
    auto answer = metadata::askOwner(*row.segment.owner, {.connect_timeout = timeout, .reply_timeout = timeout});
    if (answer.state != metadata::OwnerState::Unknown) row.alive = answer.alive();
    row.detail = std::move(answer.detail);
}

void probeAll(std::vector<Row>& rows, milliseconds timeout, const std::stop_token& stop) {
    const auto work = [&](std::size_t i) {
        if (rows[i].segment.owner) probe(rows[i], timeout);
    };
    metadata::manyAtOnce(rows.size(), work, stop);
}

std::optional<std::chrono::seconds> ageOf(const Row& row) {
    const auto written = parseTimestamp(row.segment.timestamp);
    if (!written) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now() - *written);
}

// In the largest unit of which there are at least two.
std::string ageText(const Row& row) {
    using namespace std::chrono_literals;
    const auto age = ageOf(row);
    if (!age) return "-";
    if (*age < 2min) return fmt::format("{}s", age->count());
    if (*age < 2h) return fmt::format("{}m", *age / 1min);
    if (*age < 48h) return fmt::format("{}h", *age / 1h);
    return fmt::format("{}d", *age / 24h);
}

std::string_view aliveText(const Row& row, bool probed) {
    if (row.alive) return *row.alive ? "yes" : "no";
    return row.segment.owner && probed ? "?" : "-";
}

std::string noteText(const Row& row) {
    std::vector<std::string> notes;
    if (!row.segment.published) notes.emplace_back("no descriptor");
    if (row.segment.published && !row.segment.owner && !row.segment.is_static && row.segment.problem.empty())
        notes.emplace_back("no rpc_meta");
    if (!row.segment.problem.empty()) notes.push_back(row.segment.problem);
    if (!row.detail.empty()) notes.push_back(row.detail);
    return printable(join(notes, "; "));
}

std::string ownerText(const Row& row) {
    if (!row.segment.owner) return "-";
    return printable(formatHostPort(row.segment.owner->ip_or_host_name, row.segment.owner->rpc_port));
}

std::string table(const std::vector<Row>& rows, bool probed) {
    using enum tools::Table::Align;
    tools::Table lines({{"SEGMENT", Left},
                        {"PROTOCOL", Left},
                        {"BUFFERS", Right},
                        {"BYTES", Right},
                        {"AGE", Right},
                        {"OWNER", Left},
                        {"ALIVE", Left},
                        {"NOTE", Left}});
    for (const auto& row : rows) {
        const auto& segment = row.segment;
        const bool known = segment.published && !segment.protocol.empty();
        lines.addRow({printable(segment.name), known ? printable(segment.protocol) : "-",
                      known ? std::to_string(segment.buffers) : "-", known ? formatSize(segment.bytes) : "-",
                      ageText(row), ownerText(row), std::string(aliveText(row, probed)), noteText(row)});
    }
    return lines.toString();
}

std::string document(const std::vector<Row>& rows) {
    Json segments = Json::array();
    for (const auto& row : rows) {
        const auto& segment = row.segment;
        Json owner = nullptr;
        if (segment.owner) owner = {{"host", segment.owner->ip_or_host_name}, {"port", segment.owner->rpc_port}};
        const auto age = ageOf(row);
        segments.add({{"name", segment.name},
                      {"published", segment.published},
                      {"protocol", segment.protocol},
                      {"buffers", segment.buffers},
                      {"bytes", segment.bytes},
                      {"timestamp", segment.timestamp},
                      {"age_s", age ? Json(age->count()) : Json(nullptr)},
                      {"owner", std::move(owner)},
                      {"alive", row.alive},
                      {"note", noteText(row)}});
    }
    const Json whole{{"schema_version", 1}, {"segments", std::move(segments)}};
    return whole.line();
}

Result<std::vector<Row>> look(const config::Values& values, metadata::Store& store, const std::stop_token& stop) {
    const metadata::KeyNames keys(values.text("cluster-id"));
    const auto deadline = commandDeadline(values);
    std::vector<Row> rows;
    if (values.given("segment")) {
        auto one = metadata::inspectSegment(store, keys, values.text("segment"), deadline);
        if (!one) return std::unexpected(one.error());
        rows.push_back({.segment = std::move(*one), .alive = {}, .detail = {}});
        return rows;
    }
    auto all = metadata::takeInventory(store, keys, deadline, stop);
    if (!all) return std::unexpected(all.error());
    for (auto& segment : all->segments)
        rows.push_back({.segment = std::move(segment), .alive = {}, .detail = {}});
    return rows;
}

}  // namespace

Result<ExitCode> runShow(const config::Values& values, tools::StopSignals& stop) {
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    auto rows = look(values, **store, stop.token());
    if (!rows) return std::unexpected(rows.error());
    const bool probed = !values.flag("no-probe");
    if (probed) probeAll(*rows, std::chrono::ceil<milliseconds>(values.duration("probe-timeout")), stop.token());
    if (stop.received() != 0) return stop.exitCode();
    const std::string text = values.flag("json") ? document(*rows) : table(*rows, probed);
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
