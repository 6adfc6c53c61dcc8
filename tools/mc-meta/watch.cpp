#include <fmt/format.h>

#include <cstdio>
#include <stop_token>

#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"

namespace mc::meta {
namespace {

std::string jsonLine(const Json& members) {
    Json line{{"schema_version", 1}};
    line.update(members);
    return line.line();
}

std::string lineOf(const metadata::Event& event, const config::Values& values) {
    const bool put = event.kind == metadata::Event::Kind::Put;
    if (!values.flag("json")) {
        std::string line = fmt::format("{} {}", put ? "put" : "remove", printable(event.item.key));
        if (put) line += fmt::format(" {}", event.item.version);
        if (put && values.flag("values")) line += fmt::format(" {}", printable(event.item.value));
        return line + "\n";
    }
    Json members{{"type", put ? "put" : "remove"}, {"key", event.item.key}};
    if (put) members["version"] = event.item.version;
    if (put) members["value"] = event.item.value;
    return jsonLine(members);
}

}  // namespace

Result<ExitCode> runWatch(const config::Values& values, tools::StopSignals& stop) {
    const std::string prefix = values.text("prefix");
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto deadline = commandDeadline(values);
    const auto watch = (*store)->watch(prefix, deadline);
    if (!watch) return std::unexpected(watch.error());
    const std::stop_callback cancel(stop.token(), [&watch] { (*watch)->cancel(); });
    if (values.flag("json")) {
        const auto printed = tools::writeData(jsonLine({{"type", "watching"}, {"prefix", prefix}}));
        if (!printed) return std::unexpected(printed.error());
    } else if (!values.flag("quiet")) {
        fmt::print(stderr, "watching {}\n", prefix.empty() ? "all keys" : prefix);
    }
    for (;;) {
        const auto event = (*watch)->next(deadline);
        // It watches until it is told to stop, or for as long as it was told.
        if (!event && event.error().code == ErrorCode::TimedOut && deadline && SteadyClock::now() >= *deadline)
            return ExitCode::Ok;
        if (!event) return std::unexpected(event.error());
        if (!*event) return ExitCode::Ok;
        if (auto printed = tools::writeData(lineOf(**event, values)); !printed) return std::unexpected(printed.error());
    }
}

}  // namespace mc::meta
