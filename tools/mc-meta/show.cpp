#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
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

using Segments = std::vector<metadata::SegmentSummary>;

// Lines that are printed together: all of them would be several times as large as what they tell.
constexpr std::size_t kPiece = 1000;

/// What a segment's owner said to us.
struct Answer {
    std::optional<bool> alive;  ///< Nothing where nobody was asked, or nobody can tell.
    std::string detail;
};

struct Row {
    const metadata::SegmentSummary& segment;
    const Answer& answer;
};

Answer probe(const metadata::RpcMeta& owner, milliseconds timeout) {
    auto told = metadata::askOwner(owner, {.connect_timeout = timeout, .reply_timeout = timeout});
    Answer answer{.alive = {}, .detail = std::move(told.detail)};
    if (told.state != metadata::OwnerState::Unknown) answer.alive = told.alive();
    return answer;
}

void probeAll(const Segments& segments, std::vector<Answer>& answers, milliseconds timeout,
              const std::stop_token& stop) {
    const auto work = [&](std::size_t i) {
        if (segments[i].owner) answers[i] = probe(*segments[i].owner, timeout);
    };
    metadata::manyAtOnce(segments.size(), work, stop);
}

std::optional<std::chrono::seconds> ageOf(const metadata::SegmentSummary& segment) {
    const auto written = parseTimestamp(segment.timestamp);
    if (!written) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now() - *written);
}

// In the largest unit of which there are at least two.
std::string ageText(const metadata::SegmentSummary& segment) {
    using namespace std::chrono_literals;
    const auto age = ageOf(segment);
    if (!age) return "-";
    if (*age < 2min) return fmt::format("{}s", age->count());
    if (*age < 2h) return fmt::format("{}m", *age / 1min);
    if (*age < 48h) return fmt::format("{}h", *age / 1h);
    return fmt::format("{}d", *age / 24h);
}

std::string_view aliveText(const Row& row, bool probed) {
    if (row.answer.alive) return *row.answer.alive ? "yes" : "no";
    return row.segment.owner && probed ? "?" : "-";
}

std::string noteText(const Row& row) {
    std::vector<std::string> notes;
    const auto& [segment, answer] = row;
    if (!segment.published) notes.emplace_back("no descriptor");
    if (segment.published && !segment.owner && !segment.is_static && segment.problem.empty())
        notes.emplace_back("no rpc_meta");
    if (!segment.problem.empty()) notes.push_back(segment.problem);
    if (!answer.detail.empty()) notes.push_back(answer.detail);
    return printable(join(notes, "; "));
}

std::string ownerText(const metadata::SegmentSummary& segment) {
    if (!segment.owner) return "-";
    return printable(formatHostPort(segment.owner->ip_or_host_name, segment.owner->rpc_port));
}

std::vector<std::string> cellsOf(const Row& row, bool probed) {
    const auto& segment = row.segment;
    const bool known = segment.published && !segment.protocol.empty();
    return {printable(segment.name),
            known ? printable(segment.protocol) : "-",
            known ? std::to_string(segment.buffers) : "-",
            known ? formatSize(segment.bytes) : "-",
            ageText(segment),
            ownerText(segment),
            std::string(aliveText(row, probed)),
            noteText(row)};
}

Result<void> printTable(const Segments& segments, const std::vector<Answer>& answers, bool probed) {
    using enum tools::Table::Align;
    tools::Table lines({{"SEGMENT", Left},
                        {"PROTOCOL", Left},
                        {"BUFFERS", Right},
                        {"BYTES", Right},
                        {"AGE", Right},
                        {"OWNER", Left},
                        {"ALIVE", Left},
                        {"NOTE", Left}});
    for (std::size_t i = 0; i < segments.size(); ++i) {
        lines.addRow(cellsOf({segments[i], answers[i]}, probed));
        if ((i + 1) % kPiece != 0) continue;
        if (auto printed = tools::writeData(lines.take()); !printed) return printed;
    }
    return tools::writeData(lines.take());
}

Json entryOf(const Row& row) {
    const auto& segment = row.segment;
    Json owner = nullptr;
    if (segment.owner) owner = {{"host", segment.owner->ip_or_host_name}, {"port", segment.owner->rpc_port}};
    const auto age = ageOf(segment);
    return {{"name", segment.name},
            {"published", segment.published},
            {"protocol", segment.protocol},
            {"buffers", segment.buffers},
            {"bytes", segment.bytes},
            {"timestamp", segment.timestamp},
            {"age_s", age ? Json(age->count()) : Json(nullptr)},
            {"owner", std::move(owner)},
            {"alive", row.answer.alive},
            {"note", noteText(row)}};
}

Result<void> printDocument(const Segments& segments, const std::vector<Answer>& answers) {
    std::string text = R"({"schema_version":1,"segments":[)";
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (i != 0) text += ',';
        text += entryOf({segments[i], answers[i]}).text();
        if ((i + 1) % kPiece != 0) continue;
        if (auto printed = tools::writeData(std::exchange(text, {})); !printed) return printed;
    }
    return tools::writeData(text + "]}\n");
}

Result<Segments> look(const config::Values& values, metadata::Store& store, const std::stop_token& stop) {
    const metadata::KeyNames keys(values.text("cluster-id"));
    const auto deadline = commandDeadline(values);
    if (values.given("segment")) {
        auto one = metadata::inspectSegment(store, keys, values.text("segment"), deadline);
        if (!one) return std::unexpected(one.error());
        return Segments{std::move(*one)};
    }
    auto all = metadata::takeInventory(store, keys, deadline, stop);
    if (!all) return std::unexpected(all.error());
    return std::move(all->segments);
}

}  // namespace

Result<ExitCode> runShow(const config::Values& values, tools::StopSignals& stop) {
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto segments = look(values, **store, stop.token());
    if (!segments) return std::unexpected(segments.error());
    std::vector<Answer> answers(segments->size());
    const bool probed = !values.flag("no-probe");
    const auto timeout = std::chrono::ceil<milliseconds>(values.duration("probe-timeout"));
    if (probed) probeAll(*segments, answers, timeout, stop.token());
    if (stop.received() != 0) return stop.exitCode();
    auto printed = values.flag("json") ? printDocument(*segments, answers) : printTable(*segments, answers, probed);
    if (!printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
