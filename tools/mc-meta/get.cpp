#include <unistd.h>

#include "base/json.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"

namespace mc::meta {

Result<ExitCode> runGet(const config::Values& values, tools::StopSignals& /*stop*/) {
    const std::string key = values.text("key");
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    auto found = (*store)->get(key, commandDeadline(values));
    if (!found) return std::unexpected(found.error());
    std::string output;
    if (values.flag("json")) {
        if (auto checked = checkUtf8(key, found->value); !checked) return std::unexpected(checked.error());
        const Json version = found->version.empty() ? Json(nullptr) : Json(found->version);
        output = Json{{"schema_version", 1}, {"key", key}, {"version", version}, {"value", found->value}}.line();
    } else {
        output = std::move(found->value);
        // The prompt shall not stand behind it; a file or a pipe gets the bytes as they are.
        if (::isatty(STDOUT_FILENO) == 1 && !output.ends_with('\n')) output += '\n';
    }
    if (auto printed = tools::writeData(output); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
