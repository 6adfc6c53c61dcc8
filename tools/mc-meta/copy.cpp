#include <cerrno>
#include <string>
#include <string_view>

#include "base/errors.h"
#include "base/text.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "mc-meta/restore_dump.h"
#include "mc-meta/spool.h"
#include "metadata/dump.h"

namespace mc::meta {

Result<ExitCode> runCopy(const config::Values& values, tools::StopSignals& stop) {
    auto from = openClient(values, "from");
    if (!from) return std::unexpected(from.error());
    auto to = openClient(values, "to");
    if (!to) return std::unexpected(to.error());
    const std::string name = withoutCredentials(values.text("from"));
    auto spool = openSpool();
    if (!spool) return std::unexpected(spool.error());

    const auto write = [&](std::string_view text) -> Result<void> {
        if (spool->write(text.data(), static_cast<std::streamsize>(text.size()))) return {};
        return failErrno("write", "a temporary file", errno);
    };
    const auto entries =
        metadata::writeDump(**from, values.text("prefix"), write, commandDeadline(values), stop.token());
    if (!entries) return std::unexpected(wrap(name, entries.error()));
    if (stop.received() != 0) return stop.exitCode();
    return restoreDump(values, *spool, name, **to, stop);
}

}  // namespace mc::meta
