#include <fmt/format.h>

#include <cstdio>

#include "base/json.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"

namespace mc::meta {

Result<ExitCode> runRemove(const config::Values& values, tools::StopSignals& /*stop*/) {
    const std::string key = values.text("key");
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto removed = (*store)->remove(key, versionPrecondition(values), commandDeadline(values));
    const bool missing = !removed && removed.error().code == ErrorCode::NotFound;
    if (!removed && !(missing && values.text("if-missing") == "ok")) {
        auto error = answered(removed.error(), values);
        if (missing) error.hint = "--if-missing=ok takes that for success";
        return std::unexpected(std::move(error));
    }
    if (!values.flag("quiet")) fmt::print(stderr, "{} {}\n", missing ? "there was no" : "removed", key);
    if (!values.flag("json")) return ExitCode::Ok;
    const Json document{{"schema_version", 1}, {"key", key}, {"removed", !missing}};
    const std::string text = document.line();
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
