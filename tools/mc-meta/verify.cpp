#include "metadata/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "mc/version.h"

#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "common/shell.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "mc-meta/diagnosis.h"
#include "metadata/inventory.h"

namespace mc::meta {
namespace {

using metadata::OwnerState;
using metadata::Remedy;

/// What was looked at, and what was found.
struct Report {
    std::string store;
    std::string prefix;
    std::string time = utcTime("%Y-%m-%dT%H:%M:%SZ");
    metadata::Inventory inventory;
    std::vector<metadata::SegmentLook> looks;  ///< Empty where nobody was asked.
    std::vector<metadata::Finding> findings;

    std::size_t statics() const {
        return static_cast<std::size_t>(
            std::ranges::count(inventory.segments, true, &metadata::SegmentSummary::is_static));
    }
    std::size_t owners(OwnerState state) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            looks, [state](const auto& look) { return look.owner && look.owner->state == state; }));
    }
};

// A list of names ends a name at a comma or a space; what else begins with such a one is as dead, or stays.
std::string gcCommand(const config::Values& values, const std::string& verb, const std::string& segment) {
    if (segment.find_first_of(", \t\r\n") == std::string::npos) return nextCommand(values, verb, segment);
    return nextCommand(values, fmt::format("{} --prefix={}", verb, tools::shellQuoted(segment)), {});
}

std::string command(const Remedy& remedy, const config::Values& values) {
    switch (remedy.kind) {
        case Remedy::Kind::Gc:
            return gcCommand(values, "gc --yes", remedy.object);
        case Remedy::Kind::GcSilent:
            return gcCommand(values, "gc --yes --silent-is-dead", remedy.object);
        case Remedy::Kind::Remove:
            break;
    }
    const std::string version = remedy.version.empty() ? "" : " --if-version=" + tools::shellQuoted(remedy.version);
    return nextCommand(values, "remove" + version, remedy.object);
}

std::string keysText(const metadata::Inventory& inventory) {
    return fmt::format("{}: {} descriptors, {} rpc_meta, {} checkpoints, {} of other clusters, {} of no known kind",
                       inventory.keys(), inventory.descriptors, inventory.rpc_metas, inventory.checkpoints,
                       inventory.other_clusters, inventory.unknown);
}

std::string ownersText(const Report& report) {
    if (report.looks.empty() && !report.inventory.segments.empty()) return "not asked";
    return fmt::format("{} alive, {} refused, {} silent, {} unknown", report.owners(OwnerState::Alive),
                       report.owners(OwnerState::Refused), report.owners(OwnerState::Silent),
                       report.owners(OwnerState::Unknown));
}

std::string text(const Report& report, const config::Values& values) {
    std::string text;
    const auto line = [&](std::string_view name, std::string_view value) {
        text += fmt::format("{:<9} {}\n", name, value);
    };
    line("tool", fmt::format("mc-meta {}", version()));
    line("store", printable(report.store));
    line("prefix", printable(report.prefix));
    line("time", report.time);
    line("keys", keysText(report.inventory));
    line("segments", fmt::format("{}, of which static: {}", report.inventory.segments.size(), report.statics()));
    line("owners", ownersText(report));
    line("findings", std::to_string(report.findings.size()));
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
        const auto& finding = report.findings[i];
        std::vector<std::string> keys;
        keys.reserve(finding.keys.size());
        for (const auto& key : finding.keys)
            keys.push_back(printable(key));
        text += fmt::format("\n{}. {}: {}\n", i + 1, toString(finding.kind), join(keys, ", "));
        text += fmt::format("   cause: {}\n", printable(finding.cause));
        for (const auto& remedy : finding.remedies)
            text += fmt::format("   mend:  {}\n", command(remedy, values));
        if (!finding.advice.empty()) text += fmt::format("   note:  {}\n", finding.advice);
    }
    return text;
}

std::string document(const Report& report, const config::Values& values) {
    Json findings = Json::array();
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
        const auto& finding = report.findings[i];
        Json commands = Json::array();
        for (const auto& remedy : finding.remedies)
            commands.add(command(remedy, values));
        findings.add({{"number", i + 1},
                      {"kind", toString(finding.kind)},
                      {"segment", finding.segment},
                      {"keys", finding.keys},
                      {"cause", finding.cause},
                      {"commands", std::move(commands)},
                      {"note", finding.advice}});
    }
    const auto& inventory = report.inventory;
    Json owners = nullptr;
    if (!report.looks.empty() || inventory.segments.empty()) {
        owners = Json::object();
        for (const auto state : {OwnerState::Alive, OwnerState::Refused, OwnerState::Silent, OwnerState::Unknown})
            owners[metadata::toString(state)] = report.owners(state);
    }
    const Json whole{{"schema_version", 1},
                     {"tool", "mc-meta"},
                     {"version", version()},
                     {"store", report.store},
                     {"prefix", report.prefix},
                     {"time", report.time},
                     {"keys",
                      {{"descriptors", inventory.descriptors},
                       {"rpc_meta", inventory.rpc_metas},
                       {"checkpoints", inventory.checkpoints},
                       {"other_clusters", inventory.other_clusters},
                       {"unknown", inventory.unknown}}},
                     {"segments", inventory.segments.size()},
                     {"static", report.statics()},
                     {"owners", std::move(owners)},
                     {"findings", std::move(findings)}};
    return whole.line();
}

}  // namespace

Result<ExitCode> runVerify(const config::Values& values, tools::StopSignals& stop) {
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const metadata::KeyNames keys(values.text("cluster-id"));
    Report report{.store = withoutCredentials(values.text("metadata-server")), .prefix = keys.prefix()};
    auto inventory = metadata::takeInventory(**store, keys, commandDeadline(values), stop.token());
    if (!inventory) return std::unexpected(inventory.error());
    report.inventory = std::move(*inventory);
    if (!values.flag("no-probe")) {
        const metadata::LookOptions options{.call = probeOptions(values), .loopback_is_here = loopbackIsHere(values)};
        report.looks = metadata::lookAtAll(report.inventory, options, stop.token());
    }
    if (stop.received() != 0) return stop.exitCode();
    report.findings = metadata::findProblems(report.inventory, keys, report.looks);
    const std::string output = values.flag("json") ? document(report, values) : text(report, values);
    if (auto printed = tools::writeData(output); !printed) return std::unexpected(printed.error());
    return report.findings.empty() ? ExitCode::Ok : ExitCode::Negative;
}

}  // namespace mc::meta
