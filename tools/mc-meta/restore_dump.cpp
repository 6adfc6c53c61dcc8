#include "mc-meta/restore_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/spool.h"
#include "metadata/restore.h"

namespace mc::meta {
namespace {

using metadata::RestoreStep;
using Action = RestoreStep::Action;
using Plan = std::vector<RestoreStep>;

metadata::IfExists ifExists(const std::string& choice) {
    if (choice == "keep") return metadata::IfExists::Keep;
    if (choice == "replace") return metadata::IfExists::Replace;
    return metadata::IfExists::Fail;
}

std::size_t countOf(const Plan& plan, Action action) {
    return static_cast<std::size_t>(std::ranges::count(plan, action, &RestoreStep::action));
}

std::string lines(const Plan& plan) {
    std::string text;
    for (const auto& step : plan) {
        if (step.action != Action::Unchanged)
            text += fmt::format("{} {}\n", metadata::toString(step.action), printable(step.key));
    }
    return text;
}

std::string document(const Plan& plan, bool applied) {
    using Json = nlohmann::ordered_json;
    Json steps = Json::array();
    for (const auto& step : plan) {
        if (step.action != Action::Unchanged)
            steps.push_back({{"action", metadata::toString(step.action)}, {"key", step.key}});
    }
    Json whole{{"schema_version", 1}, {"applied", applied}};
    for (const Action action : {Action::Create, Action::Replace, Action::Keep, Action::Unchanged, Action::Conflict})
        whole[metadata::toString(action)] = countOf(plan, action);
    whole["steps"] = std::move(steps);
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string summary(const Plan& plan, bool applied) {
    return fmt::format("{}: create {}, replace {}, keep {}; {} are as in the dump{}", applied ? "done" : "planned",
                       countOf(plan, Action::Create), countOf(plan, Action::Replace), countOf(plan, Action::Keep),
                       countOf(plan, Action::Unchanged), applied ? "" : "; nothing is changed without --yes");
}

}  // namespace

Result<ExitCode> restoreDump(const config::Values& values, std::fstream& dump, const std::string& name,
                             metadata::Store& store, const tools::StopSignals& stop) {
    const auto deadline = commandDeadline(values);
    metadata::DumpReader looked(rewound(dump), name);
    const auto plan = metadata::planRestore(looked, store, ifExists(values.text("if-exists")), deadline, stop.token());
    if (!plan) return std::unexpected(plan.error());
    if (stop.received() != 0) return stop.exitCode();

    const std::size_t conflicts = countOf(*plan, Action::Conflict);
    const bool apply = values.flag("yes") && conflicts == 0;
    if (apply) {
        metadata::DumpReader again(rewound(dump), name);
        const auto restored = metadata::applyRestore(again, *plan, store, deadline, stop.token());
        if (!restored && stop.received() != 0) {
            fmt::print(stderr, "{}\n", restored.error().message);
            return stop.exitCode();
        }
        if (!restored) return std::unexpected(restored.error());
        if (restored->unguarded) {
            fmt::print(stderr,
                       "warning: this server knows no conditions: what others wrote meanwhile may be replaced\n");
        }
    }
    const std::string text = values.flag("json") ? document(*plan, apply) : lines(*plan);
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    if (conflicts > 0 && values.flag("json")) return ExitCode::CannotCreate;
    if (conflicts > 0) {
        return fail(ErrorCode::AlreadyExists,
                    fmt::format("keys that are there with other values: {}; nothing was changed", conflicts),
                    "--if-exists=keep or --if-exists=replace says what becomes of them");
    }
    if (!values.flag("quiet")) fmt::print(stderr, "{}\n", summary(*plan, apply));
    return ExitCode::Ok;
}

}  // namespace mc::meta
