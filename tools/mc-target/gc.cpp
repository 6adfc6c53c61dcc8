#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "common/confirm.h"
#include "common/output.h"
#include "mc-target/commands.h"
#include "nvme/kernel/target/prerequisites.h"
#include "nvme/kernel/target/reclaim.h"

namespace mc::target {
namespace {

/// What was left, and what became of it.
struct Item {
    nvmet::Made made;
    const char* fate = "left";  ///< "left", "removed", "stays".
    std::optional<Error> problem;
};

std::string describe(const Item& item) {
    std::string text = fmt::format("{} {}", item.fate, nvmet::describe(item.made));
    for (const auto& port : item.made.ports)
        text += fmt::format("; {} {}, port {}", port.address.trtype, port.address.traddr, port.address.trsvcid);
    if (item.problem) text += ": " + item.problem->message;
    return text + "\n";
}

Json entryOf(const Item& item) {
    Json ports = Json::array();
    for (const auto& port : item.made.ports) {
        ports.add({{"number", std::uint64_t{port.id}},
                   {"trtype", port.address.trtype},
                   {"adrfam", port.address.adrfam},
                   {"traddr", port.address.traddr},
                   {"trsvcid", port.address.trsvcid}});
    }
    Json namespaces = Json::array();
    for (const std::uint32_t nsid : item.made.namespaces)
        namespaces.add(std::uint64_t{nsid});
    Json hosts = Json::array();
    for (const std::string& host : item.made.hosts)
        hosts.add(host);
    return {{"subsystem", item.made.nqn},
            {"ports", std::move(ports)},
            {"namespaces", std::move(namespaces)},
            {"hosts", std::move(hosts)},
            {"fate", item.fate},
            {"problem", item.problem ? Json(item.problem->message) : Json(nullptr)}};
}

Result<void> print(const config::Values& values, const std::vector<Item>& items) {
    std::string text;
    Json list = Json::array();
    for (const Item& item : items) {
        text += describe(item);
        list.add(entryOf(item));
    }
    if (values.flag("json")) text = Json{{"schema_version", 1}, {"items", std::move(list)}}.line();
    return tools::writeData(text);
}

void say(const config::Values& values, std::string_view what) {
    if (!values.flag("quiet")) fmt::print(stderr, "{}\n", what);
}

// Nothing where no target of this user has ever used the kernel's.
Result<std::vector<Item>> look(const std::filesystem::path& records) {
    std::vector<Item> items;
    if (std::error_code unreadable; !std::filesystem::exists(records, unreadable)) return items;
    const auto lock = nvmet::DirectoryLock::take(records);
    if (!lock) return std::unexpected(lock.error());
    for (nvmet::Made& made : nvmet::findLeftovers(records))
        items.push_back({.made = std::move(made), .fate = "left", .problem = {}});
    return items;
}

Result<std::vector<Item>> takeDown(const std::filesystem::path& records) {
    // A tree that can't be seen is not one that has gone.
    if (const auto why = nvmet::findOutOfReach(); !why.empty()) return std::unexpected(nvmet::toError(why));
    const auto lock = nvmet::DirectoryLock::take(records);
    if (!lock) return std::unexpected(lock.error());
    std::vector<Item> items;
    for (nvmet::Reclaimed& each : nvmet::reclaim(nvmet::Tree(nvmet::Places{}.nvmet()), records)) {
        items.push_back({.made = std::move(each.made),
                         .fate = each.problem ? "stays" : "removed",
                         .problem = std::move(each.problem)});
    }
    return items;
}

}  // namespace

Result<ExitCode> gc(const config::Values& values, const tools::StopSignals& stop) {
    if (values.flag("yes") && values.flag("dry-run"))
        return std::unexpected(values.error("dry-run", "can't be combined with --yes"));
    const auto records = nvmet::recordDirectory();
    const auto left = look(records);
    if (!left) return std::unexpected(left.error());
    bool agreed = values.flag("yes");
    if (left->empty() || !agreed) {
        if (auto printed = print(values, *left); !printed) return std::unexpected(printed.error());
    }
    if (left->empty()) {
        say(values, "killed targets of this user have left nothing in the kernel's target");
        return ExitCode::Ok;
    }
    if (!agreed && !values.flag("dry-run") && !values.flag("json") && tools::canAsk()) {
        const auto answer = tools::confirm("Take it down?", stop);
        if (!answer) return std::unexpected(answer.error());
        if (stop.received() != 0) return stop.exitCode();
        agreed = *answer;
    }
    if (!agreed) {
        say(values, "mc-target gc --yes takes it down");
        return ExitCode::Ok;
    }
    const auto done = takeDown(records);
    if (!done) return std::unexpected(done.error());
    if (auto printed = print(values, *done); !printed) return std::unexpected(printed.error());
    for (const Item& item : *done) {
        if (!item.problem) continue;
        if (!values.flag("json")) return std::unexpected(*item.problem);
        // A returned error would become a second document.
        fmt::print(stderr, "mc-target: {}\nhint: {}\n", item.problem->message, item.problem->hint);
        return exitCode(item.problem->code);
    }
    return ExitCode::Ok;
}

}  // namespace mc::target
