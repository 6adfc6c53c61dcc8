#include "mc-meta/gc_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/address.h"
#include "base/json.h"
#include "base/text.h"

namespace mc::meta {
namespace {

using metadata::GcCandidate;
using Fate = GcCandidate::Fate;

std::string probesText(const GcCandidate& candidate) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < candidate.probes.size(); ++i) {
        const auto& probe = candidate.probes[i];
        texts.push_back(
            fmt::format("probe {}: {}", i + 1, probe.detail.empty() ? metadata::toString(probe.state) : probe.detail));
    }
    return join(texts, "; ");
}

std::string ownerText(const GcCandidate& candidate) {
    return formatHostPort(candidate.owner->ip_or_host_name, candidate.owner->rpc_port);
}

// With what of it is gone, or is to go.
std::string keyLine(const GcCandidate& candidate, const std::optional<metadata::Item>& item, bool removed) {
    if (!item) return {};
    std::string_view action = removed ? "removed" : "remove";
    if (candidate.fate == Fate::Failed && !removed) action = "not removed";
    std::string why = fmt::format("owner {}: {}", ownerText(candidate), probesText(candidate));
    if (candidate.fate == Fate::Failed) why += "; failed: " + candidate.why;
    return fmt::format("{} {} ({})\n", action, printable(item->key), printable(why));
}

std::string linesOf(const GcCandidate& candidate) {
    if (candidate.fate != Fate::Spared) {
        return keyLine(candidate, candidate.descriptor, candidate.descriptor_removed) +
               keyLine(candidate, candidate.rpc_meta, candidate.rpc_meta_removed);
    }
    if (!candidate.owner) return {};
    return fmt::format("spare {}: {}\n", printable(candidate.name), printable(candidate.why));
}

Json entryOf(const GcCandidate& candidate) {
    Json owner = nullptr;
    if (candidate.owner) owner = {{"host", candidate.owner->ip_or_host_name}, {"port", candidate.owner->rpc_port}};
    Json probes = Json::array();
    for (const auto& probe : candidate.probes)
        probes.add({{"state", metadata::toString(probe.state)}, {"detail", probe.detail}});
    Json keys = Json::array();
    if (candidate.fate != Fate::Spared) {
        if (candidate.descriptor)
            keys.add({{"key", candidate.descriptor->key}, {"removed", candidate.descriptor_removed}});
        if (candidate.rpc_meta) keys.add({{"key", candidate.rpc_meta->key}, {"removed", candidate.rpc_meta_removed}});
    }
    return {{"name", candidate.name},    {"fate", metadata::toString(candidate.fate)}, {"why", candidate.why},
            {"owner", std::move(owner)}, {"timestamp", candidate.timestamp},           {"probes", std::move(probes)},
            {"keys", std::move(keys)}};
}

}  // namespace

std::size_t GcReport::count(Fate fate) const {
    return static_cast<std::size_t>(std::ranges::count(candidates, fate, &GcCandidate::fate));
}

std::string lines(const GcReport& report) {
    std::string text;
    for (const auto& candidate : report.candidates)
        text += linesOf(candidate);
    return text;
}

std::string document(const GcReport& report) {
    Json segments = Json::array();
    for (const auto& candidate : report.candidates)
        segments.add(entryOf(candidate));
    Json whole{{"schema_version", 1}, {"applied", report.applied}};
    for (const Fate fate : {Fate::Condemned, Fate::Removed, Fate::Spared, Fate::Failed})
        whole[metadata::toString(fate)] = report.count(fate);
    whole["undo_file"] = report.undo_file.empty() ? Json(nullptr) : Json(report.undo_file);
    whole["undo_command"] = report.undo_command.empty() ? Json(nullptr) : Json(report.undo_command);
    whole["segments"] = std::move(segments);
    if (report.error) {
        whole["error"] = {
            {"code", toString(report.error->code)}, {"message", report.error->message}, {"hint", report.error->hint}};
    }
    return whole.line();
}

std::string summary(const GcReport& report) {
    const std::size_t spared = report.count(Fate::Spared);
    if (!report.applied) {
        const std::size_t planned = report.count(Fate::Condemned);
        return fmt::format("planned: remove {}, spare {}{}", planned, spared,
                           planned == 0 ? "" : "; nothing is removed without --yes");
    }
    // An error has left some that were not come to.
    const std::size_t failed = report.count(Fate::Failed) + report.count(Fate::Condemned);
    return fmt::format("done: remove {}, spare {}{}", report.count(Fate::Removed), spared,
                       failed == 0 ? "" : fmt::format(", failed {}", failed));
}

}  // namespace mc::meta
